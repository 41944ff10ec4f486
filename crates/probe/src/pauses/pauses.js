// Preloaded by Understudy: records when this process collected garbage, on the system's monotonic clock.
'use strict';
const prefix = process.env.UNDERSTUDY_PAUSES;
if (prefix) {
  try {
    const { fstatSync, openSync, writeSync } = require('fs');
    const { PerformanceObserver, performance } = require('perf_hooks');
    const { isMainThread } = require('worker_threads');
    // Zero of performance.now(), read between two looks at the clock.
    const before = process.hrtime.bigint();
    const now = performance.now();
    const zero = (Number(before) + Number(process.hrtime.bigint())) / 2 - now * 1e6;
    const file = openSync(`${prefix}-${process.pid}.log`, 'a', 0o600);
    const { dev, ino } = fstatSync(file);
    const write = (lines) => {
      try {
        // A program that closed the descriptor may have the number for a file of its own.
        const held = fstatSync(file);
        if (held.dev === dev && held.ino === ino) writeSync(file, lines);
      } catch {
        // It is closed.
      }
    };
    // A worker's collector stops the worker alone.
    const kind = isMainThread ? 'stop' : 'assist';
    const observer = new PerformanceObserver((list) => {
      let lines = '';
      for (const { startTime, duration } of list.getEntries()) {
        const start = zero + startTime * 1e6;
        lines += `${kind} ${Math.round(start)} ${Math.round(start + duration * 1e6)}\n`;
      }
      write(lines);
    });
    observer.observe({ entryTypes: ['gc'] });
    if (isMainThread) write(`listening ${process.pid} node ${process.versions.node}\n`);
  } catch {
    // A program that cannot be listened to still runs.
  }
}
