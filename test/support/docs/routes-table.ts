import type { Route } from '../../../src/endpoints/route.ts';
import { PREFIXES } from '../../../src/http/route-pattern.ts';

/** The table of routes → its Markdown in docs/endpoints.md. */
export function toMarkdown(routes: readonly Route[]): string {
  const rows = routes.map((route) => {
    const request = `${route.methods.join(', ')} \`${route.path}\``;
    const prefixes = route.prefixes.length === PREFIXES.length ? 'all' : route.prefixes.join(', ');
    const label = 'label' in route ? route.label : '';
    return `| ${[request, prefixes, label, outcomeOf(route)].join(' | ')} |`;
  });
  return ['| route | prefix | counted as | what happens |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function outcomeOf(route: Route): string {
  if (route.what === 'pass') return 'passed';
  if (route.what === 'refuse') return `refused: ${route.about}`;
  return route.to === undefined ? route.about : `moved to \`${route.to}\`: ${route.about}`;
}
