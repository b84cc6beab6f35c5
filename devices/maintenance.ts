/** Work that somebody announced, on a device, in a room or at a site. Times are pipeline time, epoch ms. */
export interface MaintenanceWindow {
  readonly id: string;
  readonly site: string;
  /** Only this room, or only this device; neither: the whole site. */
  readonly room?: string | undefined;
  readonly device?: string | undefined;
  readonly from: number;
  /** Not part of it. */
  readonly until: number;
  readonly reason: string;
  readonly by: string;
  /** When it was announced. */
  readonly at: number;
  /** It was ended before its time. */
  readonly ended?: { readonly at: number; readonly by: string } | undefined;
}

/** Where something is that maintenance may be about; what is absent is not known, or it is a whole site. */
export interface MaintainedPlace {
  readonly site: string;
  readonly room?: string | undefined;
  readonly id: string;
}

/** When it really ends or ended, epoch ms; never before it begins. */
export function endOf({ from, until, ended }: MaintenanceWindow): number {
  return ended === undefined ? until : Math.max(from, Math.min(until, ended.at));
}

export type MaintenanceState = 'planned' | 'going on' | 'over';

export function stateAt(window: MaintenanceWindow, at: number): MaintenanceState {
  if (at >= endOf(window)) return 'over';
  return at < window.from ? 'planned' : 'going on';
}

/** Whether the window is about the place at that time. */
function covers(window: MaintenanceWindow, place: MaintainedPlace, at: number): boolean {
  if (window.device !== undefined && window.device !== place.id) return false;
  if (window.room !== undefined && window.room !== place.room) return false;
  return window.site === place.site && stateAt(window, at) === 'going on';
}

/** All windows, asked for every reading. */
export class MaintenancePlan {
  readonly #bySite = new Map<string, MaintenanceWindow[]>();

  constructor(windows: Iterable<MaintenanceWindow>) {
    for (const window of windows) {
      const ofSite = this.#bySite.get(window.site);
      if (ofSite === undefined) this.#bySite.set(window.site, [window]);
      else ofSite.push(window);
    }
  }

  /** Whether any window is about the place at that time. */
  covers(place: MaintainedPlace, at: number): boolean {
    return this.#bySite.get(place.site)?.some((window) => covers(window, place, at)) === true;
  }
}

const longestDays = 90;
const dayMs = 86_400_000;

/** What is wrong with the times of a window that is announced now; undefined where nothing is. */
export function whyNoWindow(from: number, until: number, now: number): string | undefined {
  if (until <= from) return 'Maintenance ends after it begins: give a later --until.';
  if (until <= now) return 'That maintenance would be over already: give a later --until.';
  if (until - from > longestDays * dayMs)
    return `Maintenance of more than ${longestDays} days would hide what is broken: announce a shorter one.`;
  return undefined;
}

/** Whether it was over so long ago that it is forgotten. */
export function isForgotten(window: MaintenanceWindow, now: number): boolean {
  return endOf(window) < now - longestDays * dayMs;
}
