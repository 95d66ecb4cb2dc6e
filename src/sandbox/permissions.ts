// What a client may do in a room: the authorization rules, as far as an honest client can run against them.

import type { JsonObject } from '../matrix/client-event.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { UserId } from '../matrix/identifiers.ts';
import type { Membership, Room } from './room.ts';
import type { User } from './user.ts';

export const forbidden = (words: string): MatrixError => new MatrixError(403, 'M_FORBIDDEN', words);

const DEFAULT_LEVELS: Readonly<Record<string, number>> = { ban: 50, kick: 50, redact: 50, invite: 0 };

/** Throws 403 unless the user is joined and high enough to send such an event. */
export function mustBeAbleToSend(room: Room, userId: UserId, type: string, isState: boolean): void {
  if (room.membership(userId) !== 'join') throw forbidden(`User ${userId} not in room ${room.roomId}`);
  const levels = levelsOf(room);
  const byDefault = isState ? levelIn(levels, 'state_default', 50) : levelIn(levels, 'events_default', 0);
  const needed = levelIn(objectIn(levels, 'events'), type, byDefault);
  if (powerOf(room, userId) < needed)
    throw forbidden(`You don't have permission to post that to the room. ${type} needs ${needed}`);
}

/** Throws 403 unless the user may change somebody's membership, maybe the own, to this. */
export function mustBeAbleToSetMembership(
  room: Room,
  user: User,
  target: UserId,
  membership: Membership,
): void {
  const current = room.membership(target);
  if (user.userId === target) return mustBeAbleToChangeOwn(room, user, current, membership);
  if (room.membership(user.userId) !== 'join')
    throw forbidden(`User ${user.userId} not in room ${room.roomId}`);
  if (membership === 'invite') {
    if (current === 'join') throw forbidden(`${target} is already in the room.`);
    if (current === 'ban') throw forbidden(`${target} is banned from the room`);
    return mustHaveLevel(room, user.userId, 'invite');
  }
  mustHaveLevel(room, user.userId, membership === 'ban' || current === 'ban' ? 'ban' : 'kick');
  if (powerOf(room, target) >= powerOf(room, user.userId))
    throw forbidden(`You cannot ${membership} user ${target}.`);
}

/** Throws 403 unless the user may redact others' events, or this is the own one. */
export function mustBeAbleToRedact(room: Room, userId: UserId, sender: UserId | undefined): void {
  mustBeAbleToSend(room, userId, 'm.room.redaction', false);
  if (sender !== userId) mustHaveLevel(room, userId, 'redact');
}

function mustBeAbleToChangeOwn(room: Room, user: User, current: Membership, membership: Membership): void {
  const joinRule = room.contentOf('m.room.join_rules', 'join_rule') ?? 'invite';
  if (current === 'ban') throw forbidden('You are banned from this room');
  if (membership === 'join' && current !== 'join') {
    if (joinRule !== 'public' && current !== 'invite') throw forbidden('You are not invited to this room.');
    if (user.isGuest && room.contentOf('m.room.guest_access', 'guest_access') !== 'can_join')
      throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guest access not allowed');
  }
  if (membership === 'knock' && !joinRule.startsWith('knock'))
    throw forbidden("You don't have permission to knock");
  if (membership === 'leave' && current === 'leave')
    throw forbidden(`User ${user.userId} not in room ${room.roomId}`);
}

function mustHaveLevel(room: Room, userId: UserId, action: string): void {
  const needed = levelIn(levelsOf(room), action, DEFAULT_LEVELS[action] ?? 50);
  if (powerOf(room, userId) < needed) throw forbidden(`You don't have permission to ${action}`);
}

function powerOf(room: Room, userId: UserId): number {
  const creation = room.stateEvent('m.room.create', '');
  const creators = [creation?.sender, ...((creation?.content['additional_creators'] as UserId[]) ?? [])];
  if (Number(room.version) >= 12 && creators.includes(userId)) return Infinity;
  const levels = levelsOf(room);
  return levelIn(objectIn(levels, 'users'), userId, levelIn(levels, 'users_default', 0));
}

const levelsOf = (room: Room): JsonObject => room.stateEvent('m.room.power_levels', '')?.content ?? {};

function levelIn(levels: JsonObject, key: string, byDefault: number): number {
  const level = levels[key];
  return typeof level === 'number' ? level : byDefault;
}

function objectIn(levels: JsonObject, key: string): JsonObject {
  const value = levels[key];
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}
