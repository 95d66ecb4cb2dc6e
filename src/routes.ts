// THE table of routes: every request that we answer, refuse, or pass under another prefix. What is in no row passes with
// every byte of its URL unchanged, but that r0 becomes v3 where the homeserver has no r0. From this table routes are put up,
// requests are counted, prefixes rewritten and the list in docs/endpoints.md is made: an endpoint is a row here and a file.

import { createGetOneEvent } from './endpoints/event.ts';
import { createGetEvents, guestsMustNameRoom } from './endpoints/events/events.ts';
import { createInitialSync } from './endpoints/initial-sync/initial-sync.ts';
import { createMessages, type PageForm } from './endpoints/messages/messages.ts';
import { createPeekEvents, namesRoom } from './endpoints/peek/peek-events.ts';
import { createRoomInitialSync } from './endpoints/room-initial-sync/room-initial-sync.ts';
import {
  checked,
  eventList,
  GONE,
  mayBeEmpty,
  moved,
  OLD,
  once,
  open,
  ours,
  pass,
  refuse,
  v1,
  v1Session,
  withSession,
} from './endpoints/route-rows.ts';
import type { Route } from './endpoints/route.ts';
import { guestsForbidden } from './endpoints/session/session.ts';
import { createSync } from './endpoints/sync/sync.ts';
import { createAccounts } from './endpoints/v1/accounts.ts';
import { createBackfill } from './endpoints/v1/backfill.ts';
import { createEventLists } from './endpoints/v1/event-lists.ts';
import { createPresenceList } from './endpoints/v1/presence-list.ts';
import { createPublicRooms } from './endpoints/v1/public-rooms.ts';
import { createSending } from './endpoints/v1/sending.ts';
import { createV2AlphaFilter } from './endpoints/v2-alpha/v2-alpha-filter.ts';
import { createV2AlphaModernSync } from './endpoints/v2-alpha/v2-alpha-modern-sync.ts';
import { createV2AlphaSync } from './endpoints/v2-alpha/v2-alpha-sync.ts';
import { PREFIXES, type Prefix } from './http/route-pattern.ts';

const V1: readonly Prefix[] = ['api/v1'];
const V2: readonly Prefix[] = ['v2_alpha'];
const R0: readonly Prefix[] = ['r0'];
const MODERN: readonly Prefix[] = ['v3', 'v1', 'unstable'];

const PAGES_OF_TODAY: PageForm = { fillsPages: false, hasLegacyEvents: false };
const FILLED_PAGES: PageForm = { fillsPages: true, hasLegacyEvents: false };
const LEGACY_PAGES: PageForm = { fillsPages: true, hasLegacyEvents: true };

/** @see docs/reference/synapse-legacy.md#routes-of-v1 */
export const ROUTES: readonly Route[] = [
  // Accounts
  v1(OLD, 'GET login', (services) => createAccounts(services).readLogin, {
    about: 'an access token that can be none, as `None`, is not sent on',
    isToday: true,
  }),
  v1(OLD, 'POST login', (services) => createAccounts(services).logIn, {
    about: 'as GET; `home_server` in the answer; `user` also as `identifier`',
    isToday: true,
  }),
  pass(GONE, 'GET login/sso/redirect'),
  pass(GONE, 'GET login/sso/redirect/*'),
  pass(GONE, 'GET login/cas/redirect'),
  pass(GONE, 'GET login/cas/ticket'),
  refuse(GONE, 'GET login/fallback', 'The login page of 2014 is gone; GET /login names the flows there are'),
  refuse(GONE, 'GET,POST login/reset', 'A password is reset by POST /account/password'),
  pass(GONE, 'POST logout'),
  pass(GONE, 'POST logout/all'),
  v1(V1, 'GET register', (services) => createAccounts(services).readFlows, {
    about: "the flows of 2014, by today's",
  }),
  v1(V1, 'POST register', (services) => createAccounts(services).registerV1, {
    about: '`m.login.password` with `user`, where a dummy stage is enough today',
  }),
  v1(['v2_alpha', 'r0'], 'POST register', (services) => createAccounts(services).register, {
    about: 'as GET login; `home_server` in the answer; an application service needs no `type`',
    isToday: true,
  }),
  pass(V2, 'GET register/available'),
  pass(V2, 'POST register/email/requestToken'),
  pass(V2, 'POST register/msisdn/requestToken'),
  refuse(V1, 'POST createUser', 'Application services register users by POST /register'),
  moved(V2, 'POST tokenrefresh', 'refresh', 'a refresh token must be given'),
  pass(GONE, 'GET account/whoami'),
  pass(GONE, 'POST account/password'),
  pass(GONE, 'POST account/password/email/requestToken'),
  pass(GONE, 'POST account/password/msisdn/requestToken'),
  pass(GONE, 'POST account/deactivate'),
  pass(GONE, 'GET,POST account/3pid'),
  pass(GONE, 'POST account/3pid/add'),
  pass(GONE, 'POST account/3pid/bind'),
  pass(GONE, 'POST account/3pid/delete'),
  pass(GONE, 'POST account/3pid/unbind'),
  pass(GONE, 'POST account/3pid/email/requestToken'),
  pass(GONE, 'POST account/3pid/msisdn/requestToken'),
  pass(GONE, 'GET admin/whois/*'),
  // The stream
  ours(PREFIXES, 'GET events', createPeekEvents, {
    label: 'peek-events',
    about: 'with `room_id`: the long poll of one room, for guests too',
    takes: namesRoom,
  }),
  ours(PREFIXES, 'GET events', createGetEvents, {
    label: 'events',
    about: "the long poll of a user's whole stream",
    refuseGuests: guestsMustNameRoom,
  }),
  ours(PREFIXES, 'GET events/**', createGetOneEvent, {
    label: 'event',
    about: 'one event, of whatever room',
    refuseGuests: guestsForbidden,
  }),
  ours(PREFIXES, 'GET initialSync', createInitialSync, {
    label: 'initial-sync',
    about: 'everything that a client needs at start',
    refuseGuests: guestsForbidden,
  }),
  open(V2, 'GET sync', createV2AlphaModernSync, {
    label: 'v2-alpha-sync',
    about: "for clients that mean the shape of November 2015: r0's",
    takes: (request, { meansModernSync }) => meansModernSync(request),
  }),
  ours(V2, 'GET sync', createV2AlphaSync, { label: 'v2-alpha-sync', about: 'the drafts of 2015' }),
  open(R0, 'GET sync', (services) => createSync(services, { fillsSections: true }), {
    label: 'sync',
    about: 'passed, tokens of ours are understood; every section is there',
  }),
  open(['api/v1', ...MODERN], 'GET sync', (services) => createSync(services, { fillsSections: false }), {
    label: 'sync',
    about: 'passed, tokens of ours are understood',
  }),
  pass(V1, 'POST user/*/filter'),
  withSession(V2, 'POST user/*/filter', createV2AlphaFilter, {
    label: 'v2-alpha-sync',
    about: "today's names in the filter",
    isToday: true,
  }),
  pass(GONE, 'GET user/*/filter/*'),

  // Rooms
  mayBeEmpty('POST createRoom'),
  once('createRoom/*'),
  mayBeEmpty('POST join/*'),
  once('join/*/*'),
  pass(GONE, 'GET joined_rooms'),
  ...['join', 'leave', 'invite', 'kick', 'ban', 'unban', 'forget'].flatMap((action) => [
    mayBeEmpty(`POST rooms/*/${action}`),
    once(`rooms/*/${action}/*`),
  ]),
  pass(GONE, 'POST rooms/*/upgrade'),
  ours(PREFIXES, 'GET rooms/*/initialSync', createRoomInitialSync, {
    label: 'room-initial-sync',
    about: 'one room as it is now, for guests too',
  }),
  open(MODERN, 'GET rooms/*/messages', (services) => createMessages(services, PAGES_OF_TODAY), {
    label: 'messages',
    about: 'passed, tokens of ours are understood',
  }),
  open(R0, 'GET rooms/*/messages', (services) => createMessages(services, FILLED_PAGES), {
    label: 'messages',
    about: 'as above; a short page is filled',
  }),
  open(GONE, 'GET rooms/*/messages', (services) => createMessages(services, LEGACY_PAGES), {
    label: 'messages',
    about: 'as above; legacy events',
    isToday: true,
  }),
  eventList('GET rooms/*/state', (services) => createEventLists(services, 'state', 'list')),
  eventList('GET rooms/*/members', (services) => createEventLists(services, 'members', 'object')),
  eventList('GET rooms/*/context/*', (services) => createEventLists(services, 'context', 'object')),
  eventList('GET rooms/*/event/*', (services) => createEventLists(services, 'event', 'event')),
  v1Session(GONE, 'GET rooms/*/backfill', createBackfill, {
    about: 'a list of legacy events, newest first, from `/messages`',
  }),
  moved(GONE, 'GET,PUT rooms/*/members/*', 'rooms/*/state/m.room.member/*', 'the content of the membership'),
  pass(GONE, 'GET rooms/*/joined_members'),
  pass(GONE, 'GET rooms/*/aliases'),
  pass(GONE, 'GET,PUT rooms/*/state/*'),
  pass(GONE, 'GET,PUT rooms/*/state/*/*'),
  v1Session(OLD, 'POST rooms/*/send/*', (services) => createSending(services, 'send'), {
    about: 'PUT with a transaction id of ours, the same when it is repeated unanswered',
  }),
  pass(GONE, 'PUT rooms/*/send/*/*'),
  refuse(
    GONE,
    'GET rooms/*/send/*/*',
    'No homeserver tells any more what a transaction id was answered with; a repeated PUT does',
  ),
  v1Session(OLD, 'POST rooms/*/redact/*', (services) => createSending(services, 'redact'), {
    about: 'as send',
  }),
  mayBeEmpty('PUT rooms/*/redact/*/*'),
  mayBeEmpty('PUT rooms/*/typing/*'),
  mayBeEmpty('POST rooms/*/receipt/*/*'),
  mayBeEmpty('POST rooms/*/read_markers'),
  pass(GONE, 'POST rooms/*/report/*'),
  // Users
  pass(GONE, 'GET profile/*'),
  pass(GONE, 'GET,PUT profile/*/displayname'),
  pass(GONE, 'GET,PUT profile/*/avatar_url'),
  pass(GONE, 'GET,PUT presence/*/status'),
  checked(GONE, 'GET presence/list/*', createPresenceList, {
    about: 'what the session was last told of presence; nobody keeps such lists any more',
  }),
  checked(GONE, 'POST presence/list/*', createPresenceList, { about: '`{}`, and nothing is kept' }),
  pass(GONE, 'GET,PUT,DELETE user/*/account_data/*'),
  pass(GONE, 'GET,PUT,DELETE user/*/rooms/*/account_data/*'),
  pass(GONE, 'GET user/*/rooms/*/tags'),
  pass(GONE, 'PUT,DELETE user/*/rooms/*/tags/*'),
  pass(GONE, 'POST user_directory/search'),
  // Directory and search
  v1(GONE, 'GET publicRooms', createPublicRooms, {
    about: '`start` and `end`; all pages unless `limit` or `since` asks for one',
    isToday: true,
  }),
  pass(GONE, 'POST publicRooms'),
  pass(GONE, 'GET,PUT,DELETE directory/room/*'),
  pass(GONE, 'GET,PUT directory/list/room/*'),
  pass(GONE, 'POST search'),
  // Push
  pass(GONE, 'GET pushrules/'),
  pass(GONE, 'GET pushrules/*/'),
  pass(GONE, 'GET pushrules/*/*/'),
  pass(GONE, 'GET,PUT,DELETE pushrules/*/*/*'),
  pass(GONE, 'GET,PUT pushrules/*/*/*/enabled'),
  pass(GONE, 'GET,PUT pushrules/*/*/*/actions'),
  pass(GONE, 'GET pushers'),
  pass(GONE, 'POST pushers/set'),
  pass(GONE, 'GET notifications'),
  // Devices and keys
  pass(GONE, 'GET devices'),
  pass(GONE, 'GET,PUT,DELETE devices/*'),
  pass(GONE, 'POST delete_devices'),
  pass(GONE, 'POST keys/upload'),
  pass(GONE, 'POST keys/upload/*'),
  pass(GONE, 'POST keys/query'),
  refuse(V2, 'GET keys/query/*', 'Keys are asked for by POST /keys/query'),
  refuse(V2, 'GET keys/query/*/*', 'Keys are asked for by POST /keys/query'),
  pass(GONE, 'POST keys/claim'),
  refuse(V2, 'GET keys/claim/*/*/*', 'Keys are claimed by POST /keys/claim'),
  pass(GONE, 'GET keys/changes'),
  pass(GONE, 'PUT sendToDevice/*/*'),
  // Elsewhere
  pass(GONE, 'GET voip/turnServer'),
  pass(GONE, 'GET thirdparty/protocols'),
  pass(GONE, 'GET thirdparty/protocol/*'),
  pass(GONE, 'GET thirdparty/location'),
  pass(GONE, 'GET thirdparty/location/*'),
  pass(GONE, 'GET thirdparty/user'),
  pass(GONE, 'GET thirdparty/user/*'),
];

/**
 * Requests that mean the same under a modern prefix: those that pass, and those whose path is today's, which an endpoint may
 * pass on.
 */
export const SAME_PATHS: readonly Route[] = ROUTES.filter(
  (route) => route.what === 'pass' || (route.what === 'answer' && route.isToday === true),
);
