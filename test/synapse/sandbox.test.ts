// The sandbox stands in for Synapse in most tests: here is what that rests on.

import { expect, inject, onTestFinished, test } from 'vitest';
import { createTestSandbox } from '../support/sandbox/test-sandbox.ts';
import { tellStory } from '../support/synapse/sandbox-story.ts';

test('when the same story is told -> the sandbox answers as Synapse does', async () => {
  const sandbox = await createTestSandbox();
  onTestFinished(() => sandbox.close());
  const synapse = await tellStory(inject('synapse').url);
  expect(Object.keys(synapse).length).toBeGreaterThan(60);
  expect(await tellStory(sandbox.url)).toEqual(synapse);
});
