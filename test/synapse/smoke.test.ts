import { expect, inject, test } from 'vitest';
import { clientAt, register } from './client.ts';
test('x', async () => {
  const { url } = inject('synapse');
  const a = await register(url, 'x1');
  const g = await register(url);
  console.log(inject('logs'), a, g);
  console.log(JSON.stringify(await clientAt(url, a).read('v3/initialSync')));
  expect((await clientAt(url, undefined).get('v3/initialSync')).status).toBe(401);
});
