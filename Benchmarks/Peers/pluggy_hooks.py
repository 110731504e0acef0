"""pluggy, the plugin library of pytest, with 1,000 hooks: a call with a payload of 32 bytes to one of them (`one`), or to each in turn
(`each`). Prints nanoseconds of processor time of a call, the best of five."""

import sys
import time

import pluggy

specification = pluggy.HookspecMarker("bench")
implementation = pluggy.HookimplMarker("bench")

NAMES = [f"other_{i % 100}_topic{i // 100}" for i in range(999)] + ["bench_event"]


class Specifications:
    pass


class Consumer:
    def __init__(self):
        self.bytes = 0


for name in NAMES:
    exec(f"def {name}(payload):\n    pass", globals())
    setattr(Specifications, name, specification(globals()[name]))

manager = pluggy.PluginManager("bench")
manager.add_hookspecs(Specifications)
consumers = []
for start in range(0, len(NAMES), 10):
    members = {}
    for name in NAMES[start:start + 10]:
        exec(f"def {name}(self, payload):\n    self.bytes += len(payload)", globals(), members)
        members[name] = implementation(members[name])
    consumers.append(type(f"Consumer{start}", (Consumer,), members)())
    manager.register(consumers[-1])

count = 100_000
calls = [getattr(manager.hook, name) for name in NAMES] if sys.argv[1:] == ["each"] else [manager.hook.bench_event]
payload = b'{"text":"a payload of 32 bytes"}'


def measure(count):
    start = time.process_time_ns()
    for _ in range(count // len(calls)):
        for call in calls:
            call(payload=payload)
    return (time.process_time_ns() - start) / count


measure(count // 10)
best = min(measure(count) for _ in range(5))
if sum(consumer.bytes for consumer in consumers) != 32 * (count // 10 + 5 * count):
    raise SystemExit("events were lost")
print(f"{best:.2f}")
