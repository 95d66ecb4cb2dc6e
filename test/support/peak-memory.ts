import { readFileSync, writeFileSync } from 'node:fs';

/**
 * The most memory, in bytes, that this process has had since its start or since `forgetPeakMemory`.
 *
 * `process.resourceUsage().maxRSS` is something else on Linux: a new process takes over what its parent had, so that one
 * started by a worker of 400 MB says 400 MB from the first moment on. Elsewhere it is the next best thing.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_status.5.html (VmHWM)
 * @see https://man7.org/linux/man-pages/man2/getrusage.2.html (ru_maxrss)
 */
export function readPeakMemory(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (kilobytes === undefined) throw new Error('/proc/self/status has no VmHWM');
  return Number(kilobytes) * 1024;
}

/** Makes the peak begin at what the process has now, where the kernel can do it. */
export function forgetPeakMemory(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}
