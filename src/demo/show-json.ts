// Answers as a person reads them: indented, and short enough to see the point.

/** How many entries of a list are shown, by its key; the rest is counted. */
const SHOWN_ENTRIES: Readonly<Record<string, number>> = { rooms: 2, chunk: 3, invite_room_state: 4 };
const SHOWN_ELSEWHERE = 1;

/** The keys of an event that an old client looks at. */
const SHOWN_OF_EVENT = [
  'type',
  'user_id',
  'state_key',
  'content',
  'age',
  'prev_content',
  'invite_room_state',
];

const SHOWN_CHARACTERS = 44;

/** A JSON value → lines of at most about `width` characters; `…` stands for what is left out. */
export function showJson(value: unknown, width: number): string[] {
  return layOut(trim(value, ''), { width, indent: '', taken: 0 }).split('\n');
}

/** Marks what is left out, in the place where it was. */
class Omission {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function trim(value: unknown, key: string): unknown {
  if (typeof value === 'string') {
    return value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
  }
  if (Array.isArray(value)) return trimList(value, SHOWN_ENTRIES[key] ?? SHOWN_ELSEWHERE);
  if (typeof value !== 'object' || value === null) return value;
  const isEvent = 'type' in value && 'content' in value;
  const entries = Object.entries(value);
  const shown = isEvent
    ? SHOWN_OF_EVENT.flatMap((name) => entries.filter(([entryKey]) => entryKey === name))
    : entries;
  const trimmed = shown.map(([name, entry]) => [name, trim(entry, name)]);
  const rest = entries.length - shown.length;
  return new Map([...trimmed, ...(rest > 0 ? [['…', new Omission('')]] : [])] as [string, unknown][]);
}

function trimList(list: unknown[], most: number): unknown[] {
  const shown = list.slice(0, most).map((entry) => trim(entry, ''));
  const rest = list.length - shown.length;
  return rest > 0 ? [...shown, new Omission(`… ${rest} more`)] : shown;
}

/** `taken` is what stands before the value in its line, besides the indent. */
function layOut(value: unknown, place: { width: number; indent: string; taken: number }): string {
  const { width, indent, taken } = place;
  const line = onOneLine(value);
  if (indent.length + taken + line.length <= width || !isBranch(value)) return line;
  const deeper = `${indent}  `;
  const [open, close] = value instanceof Map ? ['{', '}'] : ['[', ']'];
  const lines = partsOf(value).map(({ name, part }) => {
    return `${deeper}${name}${layOut(part, { width, indent: deeper, taken: name.length })}`;
  });
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function onOneLine(value: unknown): string {
  if (value instanceof Omission) return value.text;
  if (!isBranch(value)) return JSON.stringify(value) ?? '';
  const parts = partsOf(value).map(({ name, part }) => name + onOneLine(part));
  if (parts.length === 0) return value instanceof Map ? '{}' : '[]';
  return value instanceof Map ? `{ ${parts.join(', ')} }` : `[${parts.join(', ')}]`;
}

const isBranch = (value: unknown): value is Map<string, unknown> | unknown[] =>
  value instanceof Map || Array.isArray(value);

function partsOf(value: Map<string, unknown> | unknown[]): { name: string; part: unknown }[] {
  if (Array.isArray(value)) return value.map((part) => ({ name: '', part }));
  return [...value].map(([key, part]) => ({
    name: part instanceof Omission ? key : `${JSON.stringify(key)}: `,
    part,
  }));
}
