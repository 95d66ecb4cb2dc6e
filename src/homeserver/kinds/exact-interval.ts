import type { HomeserverKind } from './kind.ts';

/** The least that homeservers agree on. */
const PAGE_LIMIT = 100;

/**
 * Reads an interval where `/messages?dir=f&from=…&to=…` takes sync tokens and gives exactly what lies between them.
 *
 * @see reference/native.md §7.2
 */
export const readExactPage: HomeserverKind['readPage'] = async (
  homeserver,
  caller,
  interval,
  page,
  options,
) => {
  const { chunk, end } = await homeserver.messages(
    caller,
    interval.roomId,
    {
      dir: 'f',
      from: page ?? interval.from,
      to: interval.to,
      limit: PAGE_LIMIT,
      ...(options.filter !== undefined && { filter: options.filter }),
    },
    options.signal,
  );
  // A page that leads back to itself would be read for ever.
  const isLast = end === undefined || end === null || end === page;
  return isLast ? { events: chunk ?? [] } : { events: chunk ?? [], next: end };
};

/** Whether `/messages?dir=f&from=…` has anything, or says that there is more to look at. */
export const hasExactNews: HomeserverKind['hasNews'] = async (homeserver, caller, roomId, since, signal) => {
  const { chunk, end } = await homeserver.messages(
    caller,
    roomId,
    { dir: 'f', from: since, limit: 1 },
    signal,
  );
  return (chunk ?? []).length > 0 || (end !== undefined && end !== null);
};
