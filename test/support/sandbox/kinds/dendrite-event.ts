import type { ClientEvent } from '../../../../src/matrix/client-event.ts';

/** No `age`, and no `unsigned` where nothing else is in it. @see docs/reference/homeservers.md#events-and-rooms */
export function withoutUnsigned(event: ClientEvent): ClientEvent {
  const { unsigned: { age: _age, membership: _membership, ...unsigned } = {}, ...rest } = event;
  return Object.keys(unsigned).length > 0 ? { ...rest, unsigned } : rest;
}
