import type { MemoryContent } from './memory-content.js';
import type { Sight } from './sight.js';

/** How something is remembered of a device. Several questions share one. */
export interface Memory {
  /** Its name in the checkpoint: what it is over, and how it is kept. */
  readonly key: string;
  /** A reading without any of these has nothing to do with it. */
  readonly metrics: readonly string[];
  /** Events have to do with it. */
  readonly onEvents: boolean;
  /** How far back what it holds may go, ms of event time; 0 where only the newest counts. */
  readonly lookBackMs: number;
  /** It changes once an hour or so, and is large: it is kept apart in the checkpoint. */
  readonly slow?: boolean;
  /** Takes what the sight shows into the content, which is empty at first. */
  take(content: MemoryContent, sight: Sight): void;
  /** The content for a checkpoint, where it can be written shorter than it is. */
  readonly pack?: (content: MemoryContent) => number[];
  /** The inverse of `pack`. */
  readonly unpack?: (packed: readonly number[]) => MemoryContent;
}
