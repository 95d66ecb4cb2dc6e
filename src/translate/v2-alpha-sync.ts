import type { EphemeralEvent, StrippedEvent } from '../matrix/client-event.ts';
import type { RoomId } from '../matrix/identifiers.ts';
import { eventsOf, type InvitedRoom } from '../matrix/sync.ts';
import type { JsonPath } from '../stream/json-reader.ts';
import { PathReader, type PathHandler } from '../stream/path-reader.ts';
import type { AnswerOutput, HeldRecord } from './answer-output.ts';
import { toLegacyPresence } from './presence.ts';
import { SplicedObject } from './spliced-object.ts';
import { parseEvent, toPublishedMember, type StreamTranslation } from './translated-sync.ts';
import { toInvitedRoomOfDraftA } from './v2-alpha-invite.ts';
import { V2AlphaRoom, type V2AlphaContext } from './v2-alpha-room.ts';

type Section = 'join' | 'invite' | 'leave';

/** Draft B has the sections under the names of its time. */
const SECTIONS: Readonly<Record<Section, string>> = { join: 'joined', invite: 'invited', leave: 'archived' };

/**
 * A `/sync`, initial or not, value by value → the answer that v2_alpha's `/sync` gave in 2015, in either of its drafts.
 *
 * No order of keys is assumed, any key may be missing or null. What the drafts did not have is left out: knocks, the
 * account's own data, to-device messages, counts and summaries.
 *
 * Differs: draft-a-lists-left-rooms
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export class V2AlphaSyncTranslation implements StreamTranslation {
  readonly visitor: PathReader;
  readonly #context: V2AlphaContext;
  readonly #out: AnswerOutput;
  /** Keys of the answer that were begun, sections of rooms among them. */
  readonly #written = new Set<string>();
  #separator = '';
  #itemSeparator = '';
  #room: V2AlphaRoom | undefined;
  #invitedId: string | undefined;
  #isComplete = false;

  constructor(context: V2AlphaContext, out: AnswerOutput) {
    this.#context = context;
    this.#out = out;
    this.visitor = new PathReader({ ...this.#accountPaths(), ...this.#roomPaths() });
    this.#text('{');
  }

  /** Whether the whole answer was given. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  #accountPaths(): Record<string, PathHandler> {
    const inviteState = 'rooms/invite/*/invite_state';
    return {
      '': { leave: () => this.#end() },
      next_batch: { take: (bytes) => this.#nextBatch(bytes) },
      presence: { leave: () => this.#endPresence() },
      'presence/events/*': { take: (bytes) => this.#presence(bytes) },
      rooms: { leave: () => this.#endRooms() },
      'rooms/join|invite|leave': { leave: ([, section]) => this.#endSection(section as Section) },
      'rooms/invite/*': { leave: ([, , roomId]) => this.#endInvite(roomId as RoomId) },
      ...(this.#isDraftA
        ? { [inviteState]: { take: (bytes, [, , roomId]) => this.#holdInvite(roomId as RoomId, bytes) } }
        : {
            [`${inviteState}/events/*`]: {
              take: (bytes, [, , roomId]) => this.#inviteState(roomId as RoomId, bytes),
            },
          }),
    };
  }

  #roomPaths(): Record<string, PathHandler> {
    const room = 'rooms/join|leave/*';
    const sections = [`${room}/timeline|state|account_data`, 'rooms/join/*/ephemeral'];
    const events: PathHandler = {
      take: (bytes, path) => this.#roomOf(path).takeEvent(String(path[3]), new SplicedObject(bytes)),
      members: (bytes, members, path) =>
        this.#roomOf(path).takeEvent(String(path[3]), new SplicedObject(bytes, members)),
    };
    return {
      [room]: { leave: (path) => this.#endRoom(path) },
      ...Object.fromEntries(
        sections.flatMap((section) => [
          [section, { leave: (path: JsonPath) => this.#roomOf(path).leave(String(path[3])) }],
          [`${section}/events/*`, events],
        ]),
      ),
      [`${room}/timeline/limited`]: { take: (bytes, path) => this.#roomOf(path).takeLimited(bytes) },
      [`${room}/timeline/prev_batch`]: { take: (bytes, path) => this.#roomOf(path).takePrevBatch(bytes) },
    };
  }

  get #isDraftA(): boolean {
    return this.#context.draft.name === 'A';
  }

  #roomOf([, section, roomId]: JsonPath): V2AlphaRoom {
    if (this.#room === undefined) {
      this.#beginRoom(section as Section);
      this.#room = new V2AlphaRoom(roomId as RoomId, section as 'join' | 'leave', this.#context, this.#out);
    }
    return this.#room;
  }

  #endRoom(path: JsonPath): void {
    this.#roomOf(path).end();
    this.#room = undefined;
  }

  #endInvite(roomId: RoomId): void {
    if (!this.#isDraftA) {
      this.#beginInvite(roomId);
      this.#text(']}}');
    } else if (this.#invitedId !== roomId) this.#holdInvite(roomId, NO_INVITE_STATE);
    this.#invitedId = undefined;
  }

  #holdInvite(roomId: RoomId, bytes: Buffer): void {
    this.#invitedId = roomId;
    this.#out.hold('invites', roomId, bytes);
  }

  /** An element of draft B's `invite_state`, which is the modern one. */
  #inviteState(roomId: RoomId, bytes: Buffer): void {
    if (!this.#beginInvite(roomId)) this.#text(',');
    this.#out.bytes(bytes);
  }

  /** Begins an invited room, unless it has begun; returns whether it did. */
  #beginInvite(roomId: RoomId): boolean {
    if (this.#invitedId === roomId) return false;
    this.#invitedId = roomId;
    this.#beginRoom('invite');
    this.#text(`${JSON.stringify(roomId)}:{"invite_state":{"events":[`);
    this.#out.understood();
    return true;
  }

  /** Writes up to where the next room stands. */
  #beginRoom(section: Section): void {
    this.#beginSection(section);
    this.#text(this.#itemSeparator);
    this.#itemSeparator = ',';
  }

  #beginSection(section: Section): void {
    const { rooms } = this.#context.draft;
    if (!this.#written.has('rooms')) {
      this.#key('rooms', rooms.start);
      this.#itemSeparator = '';
    }
    if (this.#isDraftA || this.#written.has(section)) return;
    const isFirst = !Object.keys(SECTIONS).some((other) => this.#written.has(other));
    this.#written.add(section);
    this.#text(`${isFirst ? '' : ','}"${SECTIONS[section]}":{`);
    this.#itemSeparator = '';
  }

  #endSection(section: Section): void {
    this.#beginSection(section);
    if (!this.#isDraftA) this.#text('}');
  }

  #endRooms(): void {
    const { rooms } = this.#context.draft;
    if (!this.#written.has('rooms')) {
      this.#key('rooms', rooms.start);
      this.#itemSeparator = '';
    }
    if (this.#isDraftA) this.#invitesOfDraftA();
    else
      for (const section of Object.keys(SECTIONS) as Section[])
        if (!this.#written.has(section)) this.#endSection(section);
    this.#text(rooms.end);
  }

  /** Writes the invited rooms of draft A: they stand in the list with the others, last, as their events must be asked for. */
  #invitesOfDraftA(): void {
    const separator = this.#itemSeparator;
    this.#out.release('invites', (held, index, out) => {
      out.text(index === 0 ? separator : ',');
      this.#writeInvite(held, out);
    });
  }

  #writeInvite({ roomId, bytes }: HeldRecord, out: AnswerOutput): void {
    const { userId, nowMs, roomToken } = this.#context;
    const room = toInvitedRoomOfDraftA({
      roomId,
      userId,
      inviteState: eventsOf<StrippedEvent>(parseEvent<InvitedRoom['invite_state']>(bytes)),
      notification: this.#context.inviteOf(roomId),
      nowMs,
      prevBatch: roomToken(roomId, null, 'before'),
    });
    out.text(JSON.stringify(room).slice(0, -1));
    out.visibility(roomId, toPublishedMember);
    out.text('}');
  }

  #nextBatch(bytes: Buffer): void {
    const token: unknown = JSON.parse(bytes.toString());
    if (typeof token !== 'string') throw new Error('next_batch is no string');
    this.#key('next_batch', `"next_batch":${JSON.stringify(token)}`);
  }

  #presence(bytes: Buffer): void {
    const isFirst = !this.#written.has('presence');
    if (isFirst) this.#key('presence', this.#context.draft.presence.start);
    else this.#text(',');
    const presence = toLegacyPresence(parseEvent<EphemeralEvent>(bytes));
    this.#context.onPresence?.(presence);
    if (this.#isDraftA) this.#text(JSON.stringify(presence));
    else this.#out.bytes(bytes);
  }

  #endPresence(): void {
    if (this.#written.has('presence')) this.#text(this.#context.draft.presence.end);
  }

  #end(): void {
    const { presence } = this.#context.draft;
    if (!this.#written.has('next_batch')) throw new Error('the answer has no next_batch');
    if (!this.#written.has('rooms')) this.#endRooms();
    if (!this.#written.has('presence')) this.#key('presence', presence.start + presence.end);
    if (this.#isDraftA) this.#key('private_user_data', '"private_user_data":[]');
    this.#text('}');
    this.#out.understood();
    this.#isComplete = true;
  }

  /** Begins a key of the answer. */
  #key(name: string, text: string): void {
    this.#written.add(name);
    this.#text(this.#separator + text);
    this.#separator = ',';
  }

  #text(text: string): void {
    this.#out.text(text);
  }
}

const NO_INVITE_STATE = Buffer.from('null');
