import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChildLog } from '../../../cli/supervisor/child-log.js';
import { guardClockKind, prepareDataFolder } from '../../../cli/supervisor/data-folder.js';
import { lockFolder } from '../../../cli/supervisor/folder-lock.js';
import { endOrphans } from '../../../cli/supervisor/orphans.js';
import { processIdentity } from '../../../runtime/process-identity.js';
import { readRunRecord, removeRunRecord, writeRunRecord } from '../../../cli/supervisor/run-record.js';
import type { RunRecord } from '../../../cli/supervisor/run-record.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'campus-folder-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const record: RunRecord = {
  pid: process.pid,
  clock: 'wall',
  mqtt: { host: '127.0.0.1', port: 1883 },
  listeners: ['mqtt://127.0.0.1:1883'],
  http: 'http://127.0.0.1:8080',
  processes: [],
};

describe('the data folder', () => {
  it('is made for our eyes only', () => {
    prepareDataFolder(join(folder, 'var', 'demo'));
    for (const made of ['var', 'var/demo', 'var/demo/log'])
      expect(statSync(join(folder, made)).mode & 0o777).toBe(0o700);
  });

  it('is refused in one sentence when a file is in the way', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => prepareDataFolder(join(folder, 'file', 'var'))).toThrow(/can't be written.*--data-dir/);
  });

  it('is refused where no folder can be made, instead of trying for ever', () => {
    expect(() => prepareDataFolder('/proc/nope/var')).toThrow(
      /The data folder \/proc\/nope\/var can't be written/,
    );
  });

  it('stays on the clock that it was first used with', () => {
    guardClockKind(folder, 'simulated');
    guardClockKind(folder, 'simulated');
    expect(() => guardClockKind(folder, 'wall')).toThrow(/used with the simulated clock/);
  });
});

describe('the lock', () => {
  it('lets one supervisor in at a time', () => {
    const unlock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(/already runs/);
    unlock();
    lockFolder(folder)();
  });

  it('is taken over from a process that is gone', async () => {
    const child = spawn('sleep', ['60']);
    lockFolder(folder, child.pid);
    expect(() => lockFolder(folder)).toThrow(/already runs/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockFolder(folder)();
  });

  it('is taken over from a process whose id belongs to another one by now', () => {
    writeFileSync(join(folder, 'lock'), `${process.pid} an-earlier-start`);
    lockFolder(folder)();
  });

  it('is taken over when it is damaged', () => {
    writeFileSync(join(folder, 'lock'), '');
    lockFolder(folder)();
  });
});

describe('the run record', () => {
  it('comes back as written, readable by the owner only, until it is removed', () => {
    writeRunRecord(folder, record);
    expect(readRunRecord(folder)).toEqual(record);
    expect(statSync(join(folder, 'run.json')).mode & 0o777).toBe(0o600);
    removeRunRecord(folder);
    expect(readRunRecord(folder)).toBeUndefined();
  });

  it('is as good as none when damaged', () => {
    writeFileSync(join(folder, 'run.json'), '{"pid":');
    expect(readRunRecord(folder)).toBeUndefined();
  });
});

describe('orphans', () => {
  it('are ended, but not a stranger that has got the id of one', async () => {
    const orphan = spawn('sleep', ['60']);
    const stranger = spawn('sleep', ['60']);
    const of = (pid: number, identity: string | undefined) => ({
      role: `role ${pid}`,
      pid,
      ready: true,
      restarts: 0,
      startedAt: 0,
      identity,
    });
    const ended = once(orphan, 'exit');
    const orphanPid = orphan.pid ?? 0;
    const strangerPid = stranger.pid ?? 0;
    const names = await endOrphans({
      ...record,
      processes: [of(orphanPid, processIdentity(orphanPid)), of(strangerPid, 'an earlier start')],
    });
    expect(names).toEqual([`role ${orphanPid}`]);
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(processIdentity(strangerPid)).toBeDefined();
    stranger.kill('SIGKILL');
  });
});

describe('a child log', () => {
  it('keeps one old file when it has grown too large, and the child goes on writing at the new start', async () => {
    const file = join(folder, 'role.log');
    const log = new ChildLog(file, 100);
    const write = async (text: string) => {
      await once(spawn('echo', [text], { stdio: ['ignore', log.fd, log.fd] }), 'exit');
    };
    await write('x'.repeat(150));
    log.bound();
    await write('after');
    expect(readFileSync(file, 'utf8')).toBe('after\n');
    expect(readFileSync(`${file}.old`, 'utf8')).toContain('xxx');
    expect(log.tail()).toBe('after');
    log.close();
  });

  it('starts small when it is opened', () => {
    const file = join(folder, 'role.log');
    writeFileSync(file, 'x'.repeat(150));
    const log = new ChildLog(file, 100);
    expect(statSync(file).size).toBe(0);
    log.close();
  });
});
