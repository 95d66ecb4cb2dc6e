import { type InspectColor, styleText } from 'node:util';
import { showJson } from './show-json.ts';

const WIDTH = 100;
const INDENT = '    ';

/** Prints the story: captions, requests and answers. */
export interface Narrator {
  title(text: string): void;
  chapter(title: string, text: string): void;
  remark(text: string): void;
  request(who: string, method: string, pathAndQuery: string, body?: unknown): void;
  answer(who: string, status: number, durationMs: number, body: unknown): void;
  /** Something to copy: it stands alone in its line, whole. */
  command(text: string): void;
}

export function createNarrator(options: { write: (text: string) => void; useColours: boolean }): Narrator {
  const paint = (colour: InspectColor, text: string): string =>
    options.useColours ? styleText(colour, text, { validateStream: false }) : text;
  const line = (text = ''): void => options.write(`${text}\n`);
  const json = (value: unknown): void => {
    for (const each of showJson(value, WIDTH - INDENT.length)) line(paint('gray', `${INDENT}${each}`));
  };
  let chapters = 0;

  return {
    title: (text) => line(paint('bold', text)),
    chapter: (title, text) => {
      chapters += 1;
      line();
      line(paint('bold', `${chapters}. ${title}`));
      line(text);
      line();
    },
    remark: (text) => line(text),
    request: (who, method, pathAndQuery, body) => {
      const shown = pathAndQuery.replace(/(access_token=.{4})[^&]*/, '$1…');
      line(`${paint('cyan', `→ ${method}`)} ${shown}  ${paint('gray', `(${who})`)}`);
      if (body !== undefined) json(body);
    },
    answer: (who, status, durationMs, body) => {
      const took = durationMs < 100 ? `${durationMs.toFixed(0)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
      line(
        `${paint(status < 400 ? 'green' : 'red', `← ${status}`)} after ${took}  ${paint('gray', `(${who})`)}`,
      );
      json(body);
    },
    command: (text) => line(paint('yellow', `${INDENT}${text}`)),
  };
}
