// An initial sync of any size, as Synapse sends one, always the same: one room with most of the members, each with a
// receipt; rooms of five hundred; two hundred invites.

const BASE_TS = 1_795_343_360_000;
const PIECE_BYTES = 64 * 1024;
const INVITES = 200;
const MEMBERS_PER_ROOM = 500;
const TIMELINE_EVENTS = 10;

/** How many members the big room has; the rest of the answer is ordinary rooms. */
const membersOf = (bytes: number): number => Math.min(60_000, Math.floor(bytes / 1000));

/** An answer of about `bytes`, in pieces of about 64 KB. */
export function* initialSyncAnswer(bytes: number): Generator<Buffer> {
  let text = '';
  let written = 0;
  for (const part of partsOf(() => written < bytes, membersOf(bytes))) {
    text += part;
    written += part.length;
    if (text.length < PIECE_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

/** The rooms of the same answer that `/joined_rooms` lists. */
export function joinedRoomsOf(bytes: number): string[] {
  const members = membersOf(bytes);
  const perRoom = MEMBERS_PER_ROOM * 420;
  const ordinary = Math.max(0, Math.ceil((bytes - members * 510) / perRoom));
  return Array.from({ length: ordinary + 1 }, (_, i) => roomIdOf(i));
}

function* partsOf(isShort: () => boolean, members: number): Generator<string> {
  yield '{"next_batch":"s72594_4483_1934_1_2_3_4_5_0_1_1_1_1_1","account_data":{"events":[';
  yield '{"type":"m.push_rules","content":{"global":{"override":[],"content":[],"room":[],"sender":[],"underride":[]}}},';
  yield '{"type":"m.direct","content":{"@user1:example.org":["!room1:example.org"]}}]},"presence":{"events":[';
  for (let i = 0; i < 50; i += 1) yield (i === 0 ? '' : ',') + presence(i);
  yield ']},"rooms":{"join":{';
  yield* roomParts(0, members, true);
  for (let i = 1; isShort(); i += 1) {
    yield ',';
    yield* roomParts(i, MEMBERS_PER_ROOM, false);
  }
  yield '},"invite":{';
  for (let i = 0; i < INVITES; i += 1) yield (i === 0 ? '' : ',') + invite(i);
  yield '},"leave":{}},"to_device":{"events":[]},"device_lists":{"changed":[],"left":[]},"device_one_time_keys_count":{}}';
}

function* roomParts(number: number, members: number, hasReceipts: boolean): Generator<string> {
  yield `"${roomIdOf(number)}":{"timeline":{"events":[`;
  for (let i = 0; i < TIMELINE_EVENTS; i += 1) yield (i === 0 ? '' : ',') + message(number, i);
  yield `],"prev_batch":"t${number + 10}-72000_4483_1934_1_2_3_4_5_0_1_1_1_1_1","limited":true},"state":{"events":[`;
  yield state(number, 'm.room.create', '{"creator":"@user0:example.org","room_version":"10"}');
  yield `,${state(number, 'm.room.name', `{"name":"Room \\"${number}\\" — früher"}`)}`;
  yield `,${state(number, 'm.room.join_rules', '{"join_rule":"invite"}')}`;
  for (let i = 0; i < members; i += 1) yield `,${member(number, i)}`;
  yield ']},"account_data":{"events":[{"type":"m.tag","content":{"tags":{"m.favourite":{"order":0.5}}}}]},"ephemeral":{"events":[';
  if (hasReceipts) yield* receipts(number, members);
  yield ']},"unread_notifications":{"notification_count":0,"highlight_count":0},"summary":{}}';
}

const roomIdOf = (number: number): string => `!room${number}${'abcdefghij'.slice(number % 10)}:example.org`;

/** As long and as random to look at as a real one. */
function eventIdOf(room: number, number: number, salt: string): string {
  return `$${(room * 1_000_003 + number + 1e12).toString(36)}${salt}QnJvd25GZXJyZXRzSnVtcE92ZXJMYXp5UmFiYml0cw`.slice(
    0,
    44,
  );
}

function message(room: number, number: number): string {
  return (
    `{"type":"m.room.message","sender":"@user${number}:example.org","content":{"msgtype":"m.text","body":"Message ` +
    `number ${number} \\n with a second line, and with \\"quotes\\" in it: zwölf Boxkämpfer jagen Viktor quer über den großen Deich"},` +
    `"origin_server_ts":${BASE_TS + number * 1000},"unsigned":{"membership":"join","age":${4_000_000 - number * 1000}},` +
    `"event_id":"${eventIdOf(room, number, 'M')}"}`
  );
}

function member(room: number, number: number): string {
  const user = `@user${number}:example.org`;
  return (
    `{"type":"m.room.member","sender":"${user}","content":{"displayname":"User ${number}","avatar_url":` +
    `"mxc://example.org/kjhGFDdsaQWErtzUIOPlkjhg","membership":"join"},"state_key":"${user}","origin_server_ts":` +
    `${BASE_TS - number},"unsigned":{"membership":"join","age":${5_000_000 + number},"replaces_state":` +
    `"${eventIdOf(room, number, 'R')}"},"event_id":"${eventIdOf(room, number, 'S')}"}`
  );
}

function state(room: number, type: string, content: string): string {
  return (
    `{"type":"${type}","sender":"@user0:example.org","content":${content},"state_key":"","origin_server_ts":${BASE_TS},` +
    `"unsigned":{"membership":"join","age":6000000},"event_id":"${eventIdOf(room, type.length, 'T')}"}`
  );
}

function presence(number: number): string {
  const kind = number % 5 === 0 ? 'offline' : 'online';
  return `{"type":"m.presence","sender":"@user${number}:example.org","content":{"presence":"${kind}","last_active_ago":${number}}}`;
}

/** One event with a receipt of each member: far too large to be parsed at once without being felt. */
function* receipts(room: number, members: number): Generator<string> {
  yield '{"type":"m.receipt","content":{';
  for (let i = 0; i < members; i += 1) {
    const receipt = `{"m.read":{"@user${i}:example.org":{"ts":${BASE_TS + i}}}}`;
    yield `${i === 0 ? '' : ','}"${eventIdOf(room, i, 'E')}":${receipt}`;
  }
  yield '}}';
}

function invite(number: number): string {
  const sender = `@user${number}:example.org`;
  return (
    `"!invite${number}:example.org":{"invite_state":{"events":[` +
    `{"type":"m.room.join_rules","state_key":"","sender":"${sender}","content":{"join_rule":"invite"}},` +
    `{"type":"m.room.name","state_key":"","sender":"${sender}","content":{"name":"Invited ${number}"}},` +
    `{"type":"m.room.member","state_key":"@bench:example.org","sender":"${sender}","content":{"membership":"invite"}}]}}`
  );
}
