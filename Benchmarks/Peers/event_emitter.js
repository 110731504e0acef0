// Node's EventEmitter: an event with a payload of 32 bytes to one of 1,000 listeners. Prints nanoseconds of an emit, the best of five.
const { EventEmitter } = require('node:events');

const emitter = new EventEmitter();
emitter.setMaxListeners(0);
let bytes = 0;
for (let i = 0; i < 999; i++) emitter.on(`other.${i % 100}.topic${Math.floor(i / 100)}`, (payload) => { bytes += payload.length; });
emitter.on('bench.event', (payload) => { bytes += payload.length; });

const payload = Buffer.from('{"text":"a payload of 32 bytes"}');
const count = Number(process.argv[2] ?? 10_000_000);
function measure(count) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) emitter.emit('bench.event', payload);
  return Number(process.hrtime.bigint() - start) / count;
}
measure(count / 10);
const best = Math.min(...Array.from({ length: 5 }, () => measure(count)));
if (bytes !== 32 * (count / 10 + 5 * count)) throw new Error('events were lost');
console.log(best.toFixed(2));
