// Node's EventEmitter with 1,000 listeners: an event with a payload of 32 bytes to one of them (`one`), or to each in turn (`each`).
// Prints nanoseconds of processor time of an emit, the best of five.
const { EventEmitter } = require('node:events');

const emitter = new EventEmitter();
emitter.setMaxListeners(0);
let bytes = 0;
const names = Array.from({ length: 1000 }, (_, i) => `other.${i % 100}.topic${Math.floor(i / 100)}`);
for (const name of names) emitter.on(name, (payload) => { bytes += payload.length; });

const payload = Buffer.from('{"text":"a payload of 32 bytes"}');
const count = 10_000_000;
const inTurn = process.argv[2] === 'each';
function measure(count) {
  const start = process.cpuUsage();
  if (inTurn) {
    let next = 0;
    for (let i = 0; i < count; i++) {
      emitter.emit(names[next], payload);
      next = next === names.length - 1 ? 0 : next + 1;
    }
  } else {
    for (let i = 0; i < count; i++) emitter.emit('other.7.topic3', payload);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000 / count;
}
measure(count / 10);
const best = Math.min(...Array.from({ length: 5 }, () => measure(count)));
if (bytes !== 32 * (count / 10 + 5 * count)) throw new Error('events were lost');
console.log(best.toFixed(2));
