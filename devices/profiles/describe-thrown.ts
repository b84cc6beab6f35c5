/** What a profile threw, and where in its file, as `TypeError: … (acme-air/profile.js:7:12)`. */
export function describeThrown(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const text = thrown.name === 'Error' ? thrown.message : `${thrown.name}: ${thrown.message}`;
  const place = /[^/\\\s()]+[/\\]profile\.(?:m?js|ts):\d+(?::\d+)?/.exec(thrown.stack ?? '')?.[0];
  return place === undefined ? text : `${text} (${place})`;
}
