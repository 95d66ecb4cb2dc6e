// `hindsync usage URL…`: the reports of several replicas as one.

import { ask, jsonOf, NoAnswer } from '../ask.ts';
import { mergeReports } from './merge.ts';
import { reportSchema, type UsageReport } from './report.ts';
import { toTerminal } from './terminal.ts';

const DEADLINE_MS = 10_000;

/**
 * Asks each gateway's internal listener, and writes one table of them all, or one JSON. Throws an error of one line where
 * one of them cannot be asked: a report that lacks a replica would say that nobody is there.
 */
export async function runUsage(options: {
  urls: readonly string[];
  json: boolean;
  write: (text: string) => unknown;
}): Promise<void> {
  const reports = await Promise.all(options.urls.map(readReport));
  const report = mergeReports(reports);
  options.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : toTerminal(report));
}

async function readReport(url: string): Promise<UsageReport> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Error(`${url} is no URL such as http://127.0.0.1:9009`);
  const { origin, pathname } = new URL(url);
  const rawUrl = pathname.endsWith('/usage.json') ? pathname : `${pathname.replace(/\/$/, '')}/usage.json`;
  try {
    const { status, text } = await ask({ origin, rawUrl, deadlineMs: DEADLINE_MS });
    const report = reportSchema.safeParse(jsonOf(text));
    if (status === 200 && report.success) return report.data;
    throw new NoAnswer(`status ${status}, and no usage report of this version`);
  } catch (error) {
    if (error instanceof NoAnswer) throw new Error(`${url}: ${error.message}`, { cause: error });
    throw error;
  }
}
