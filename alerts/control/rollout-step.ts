import type { Rollout, RolloutTarget } from '../../devices/rollout.js';

/** What came of a rollout's command to a device: the command's last state, or that it was never issued. */
export interface DeviceOutcome {
  readonly state: 'done' | 'failed' | 'expired' | 'cancelled' | 'skipped';
  readonly why?: string | undefined;
}

/** By device; a device that is not in it was not told yet. */
export type RolloutStanding = ReadonlyMap<string, DeviceOutcome | 'under_way'>;

/** How one wave stands. */
export interface WaveStanding {
  readonly size: number;
  readonly done: number;
  readonly errors: number;
  /** Errors that it may have. */
  readonly allowed: number;
  readonly underWay: number;
  readonly untold: readonly RolloutTarget[];
}

/** What is to be done next. */
export type NextStep =
  | { readonly kind: 'end'; readonly state: 'done' | 'stopped' | 'expired'; readonly why: string }
  /** To any of these, in this order, as far as guards let them. */
  | { readonly kind: 'issue'; readonly targets: readonly RolloutTarget[] }
  | { readonly kind: 'wait'; readonly why: string };

/** How the waves stand, the canary first. It may have no error at all. */
export function standingOfWaves(rollout: Rollout, standing: RolloutStanding): WaveStanding[] {
  let from = 0;
  return rollout.waves.map((size, wave) => {
    const targets = rollout.targets.slice(from, (from += size));
    const outcomes = targets.map(({ device }) => standing.get(device));
    const done = outcomes.filter((each) => typeof each === 'object' && each.state === 'done').length;
    const underWay = outcomes.filter((each) => each === 'under_way').length;
    const untold = targets.filter((_, i) => outcomes[i] === undefined);
    return {
      size,
      done,
      errors: size - done - underWay - untold.length,
      allowed: wave === 0 ? 0 : Math.floor(rollout.errorShare * size),
      underWay,
      untold,
    };
  });
}

/** Errors beyond what the waves may have. */
export function errorsTooMany(waves: readonly WaveStanding[]): number {
  return waves.reduce((sum, { errors, allowed }) => sum + Math.max(0, errors - allowed), 0);
}

/** What a running rollout does next. No wave begins before all devices of the one before have come to an end. */
export function nextStep(rollout: Rollout, standing: RolloutStanding, now: number): NextStep {
  const waves = standingOfWaves(rollout, standing);
  if (errorsTooMany(waves) > rollout.forgiven) {
    const at = waves.findIndex(({ errors, allowed }) => errors > allowed);
    const { errors = 0, size = 0, allowed = 0 } = waves[at] ?? {};
    const what =
      at === 0
        ? 'the canary failed'
        : `${errors} of ${size} devices of wave ${at + 1} failed, ${allowed} may`;
    return { kind: 'end', state: 'stopped', why: what };
  }
  const at = waves.findIndex(({ underWay, untold }) => underWay > 0 || untold.length > 0);
  const wave = waves[at];
  if (wave === undefined) {
    const errors = waves.reduce((sum, each) => sum + each.errors, 0);
    return {
      kind: 'end',
      state: 'done',
      why: errors === 0 ? 'all devices did it' : `all devices came to an end, ${errors} failed`,
    };
  }
  const isOver = now >= rollout.expiresAt;
  if (wave.underWay === 0 && isOver) {
    const left = waves.reduce((sum, { untold }) => sum + untold.length, 0);
    return { kind: 'end', state: 'expired', why: `its time is over, ${left} devices were not told` };
  }
  if (wave.untold.length > 0 && !isOver) return { kind: 'issue', targets: wave.untold };
  return { kind: 'wait', why: `${wave.underWay} devices of wave ${at + 1} have to come to an end first` };
}
