import { describe, expect, test } from 'vitest';
import {
  hasDummyFlow,
  toModernLogin,
  toModernRegistration,
  toUnmetStages,
  toV1Flows,
  withHomeServer,
} from '../../src/translate/v1-accounts.ts';

const type = 'm.login.password';

describe('toModernLogin', () => {
  test.each([
    {
      name: 'a user',
      given: { type, user: '@a:b', password: 'p' },
      expected: { type, user: '@a:b', password: 'p', identifier: { type: 'm.id.user', user: '@a:b' } },
    },
    {
      name: 'an address',
      given: { type, medium: 'email', address: 'a@b' },
      expected: {
        type,
        medium: 'email',
        address: 'a@b',
        identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'a@b' },
      },
    },
    {
      name: 'an identifier already',
      given: { type, user: 'a', identifier: { type: 'x' } },
      expected: { type, user: 'a', identifier: { type: 'x' } },
    },
    {
      name: 'another type',
      given: { type: 'm.login.token', token: 't' },
      expected: { type: 'm.login.token', token: 't' },
    },
  ])('$name', ({ given, expected }) => {
    expect(toModernLogin(given)).toEqual(expected);
    expect(toModernLogin(toModernLogin(given))).toEqual(expected);
  });
});

describe('withHomeServer', () => {
  test.each([
    { given: { user_id: '@a:b.c:80' }, expected: { user_id: '@a:b.c:80', home_server: 'b.c:80' } },
    { given: { user_id: '@a:b', home_server: 'z' }, expected: { user_id: '@a:b', home_server: 'z' } },
    { given: {}, expected: {} },
  ])('$given', ({ given, expected }) => expect(withHomeServer(given)).toEqual(expected));
});

describe('toModernRegistration', () => {
  test.each([
    {
      given: { type, user: 'a', password: 'p', bind_email: true },
      expected: { username: 'a', password: 'p' },
    },
    { given: { type, user: '@a:b', password: 'p' }, expected: { username: 'a', password: 'p' } },
    { given: { type, user: '', password: 'p' }, expected: { password: 'p' } },
    { given: { type, password: 'p' }, expected: { password: 'p' } },
    {
      given: { type: 'm.login.application_service', user: '_irc_a' },
      expected: { type: 'm.login.application_service', username: '_irc_a' },
    },
  ])('$given', ({ given, expected }) => expect(toModernRegistration(given)).toEqual(expected));

  test.each([{}, { type: 'm.login.recaptcha' }, { type }, { type, password: 1 }])('%j -> 400', (given) => {
    expect(() => toModernRegistration(given)).toThrow(expect.objectContaining({ status: 400 }));
  });
});

describe('what the homeserver asks for', () => {
  test.each([
    { flows: [{ stages: ['m.login.dummy'] }], isEnough: true },
    { flows: [{ stages: [] }], isEnough: true },
    { flows: [{ stages: ['m.login.recaptcha'] }, { stages: ['m.login.dummy'] }], isEnough: true },
    { flows: [{ stages: ['m.login.recaptcha', 'm.login.dummy'] }], isEnough: false },
    { flows: [], isEnough: false },
    { flows: null, isEnough: false },
  ])('$flows -> a password is enough: $isEnough', ({ flows, isEnough }) => {
    expect(hasDummyFlow({ flows })).toBe(isEnough);
    expect(toV1Flows({ flows })).toEqual({ flows: isEnough ? [{ type }] : [] });
    expect(toUnmetStages({ flows })).toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });
});
