import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createIncidents, noteNetworkFailure } from '../../src/http/incidents.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched() {
  const warn = vi.fn();
  return { warn, incidents: createIncidents({ logger: { warn }, intervalMs: 1000 }) };
}

test('a thousand of one kind -> one line at once, one with their count, and none when there are no more', () => {
  const { warn, incidents } = watched();
  for (let n = 0; n < 1000; n += 1) incidents.note('an answer was cut', { n });
  expect(warn.mock.calls).toEqual([[{ n: 0 }, 'an answer was cut']]);
  vi.advanceTimersByTime(1000);
  expect(warn.mock.calls.slice(1)).toEqual([[{ count: 999, withinMs: 1000 }, 'an answer was cut']]);
  vi.advanceTimersByTime(10_000);
  expect(warn).toHaveBeenCalledTimes(2);
  incidents.note('an answer was cut');
  expect(warn).toHaveBeenCalledTimes(3);
});

test('two kinds -> a line each', () => {
  const { warn, incidents } = watched();
  incidents.note('an answer was cut');
  incidents.note('out of file descriptors');
  expect(warn).toHaveBeenCalledTimes(2);
});

test.each([
  { code: 'EMFILE', isCut: false, message: 'out of file descriptors' },
  { code: 'ENFILE', isCut: true, message: 'out of file descriptors' },
  { code: 'UND_ERR_SOCKET', isCut: true, message: 'an answer was cut' },
  {
    code: 'ECONNREFUSED',
    isCut: false,
    message: 'the homeserver does not answer, or not in a way that can be used',
  },
])('$code, cut: $isCut -> $message', ({ code, isCut, message }) => {
  const { warn, incidents } = watched();
  noteNetworkFailure(incidents, Object.assign(new Error('connect 10.0.0.1:8008'), { code }), isCut);
  expect(warn.mock.calls).toEqual([[{ code }, message]]);
});
