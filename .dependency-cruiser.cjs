// Which room may import which: the table of the README ("The house"), enforced by `npm run imports`.
const mayImport = {
  runtime: [],
  devices: ['runtime'],
  rules: ['devices'],
  ingest: ['devices', 'rules', 'runtime'],
  broker: ['devices', 'ingest/log', 'runtime'],
  alerts: ['devices', 'rules', 'runtime'],
  dashboards: ['devices', 'rules', 'alerts', 'runtime'],
  simulators: ['devices', 'runtime'],
};
const rooms = [...Object.keys(mayImport), 'cli', 'test'];

const roomRules = Object.entries(mayImport).map(([room, allowed]) => ({
  name: `${room}-imports`,
  comment: `${room}/ may import ${allowed.length > 0 ? allowed.join(', ') : 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^${room}/` },
  to: { path: `^(${rooms.join('|')})/`, pathNot: `^(${[room, ...allowed].join('|')})/` },
}));

// The file name names the dependency: a file without the prefix runs without that server.
const adapters = { 'ioredis|bullmq': '(redis|bullmq)-', '@influxdata': 'influx-', nodemailer: 'smtp-' };
const adapterRules = Object.entries(adapters).map(([packages, prefix]) => ({
  name: `only-${prefix}files-use-${packages}`,
  comment: `only files named ${prefix}* import ${packages}`,
  severity: 'error',
  from: { path: `^(${rooms.join('|')})/`, pathNot: `^test/|/${prefix}[^/]*\\.ts$` },
  to: { path: `node_modules/(${packages})/`, dependencyTypesNot: ['type-only'] },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    ...adapterRules,
    {
      name: 'devices-pure-but-for-redis-files',
      comment: 'devices/ uses runtime/ only in its redis-* files, so that the vocabulary runs anywhere',
      severity: 'error',
      from: { path: '^devices/', pathNot: '^devices/redis-' },
      to: { path: '^runtime/' },
    },
    {
      name: 'rules-are-pure',
      comment:
        'rules/ does no I/O: live, replay and backtest are one code (only the catalogue loader reads files)',
      severity: 'error',
      from: { path: '^rules/', pathNot: '^rules/load-' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycles',
      comment: 'a cycle hides which file is the lower one',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
