import { differences } from '../../../src/operate/differences.ts';

/** The headings of docs/endpoints.md under which differences stand, in their order. */
export const endpointsThatDiffer: readonly string[] = [
  ...new Set(differences.map(({ endpoint }) => endpoint)),
];

/** The list of one endpoint's differences, in Markdown. */
export const differencesOf = (endpoint: string): string =>
  differences
    .filter((difference) => difference.endpoint === endpoint)
    .map(({ what, why }) => `- **${what}**. ${why}`)
    .join('\n');
