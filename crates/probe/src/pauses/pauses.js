// Preloaded by Understudy: says when this process collected garbage, on the system's monotonic clock.
'use strict';
const prefix = process.env.UNDERSTUDY_PAUSES;
if (prefix) {
  try {
    const { appendFile, openSync } = require('fs');
    const { PerformanceObserver, performance } = require('perf_hooks');
    // Zero of performance.now(), read between two looks at the clock.
    const before = process.hrtime.bigint();
    const now = performance.now();
    const zero = (Number(before) + Number(process.hrtime.bigint())) / 2 - now * 1e6;
    const file = openSync(`${prefix}-${process.pid}.log`, 'a', 0o600);
    const observer = new PerformanceObserver((list) => {
      let lines = '';
      for (const { startTime, duration } of list.getEntries()) {
        const start = zero + startTime * 1e6;
        lines += `stop ${Math.round(start)} ${Math.round(start + duration * 1e6)}\n`;
      }
      // Not in the way of the program: the write happens on another thread.
      appendFile(file, lines, () => {});
    });
    observer.observe({ entryTypes: ['gc'] });
  } catch {
    // A program that cannot be listened to still runs.
  }
}
