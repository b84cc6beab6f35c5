import type { Engine } from '../../rules/engine/engine.js';

/** What is left of an engine after a crash: all that was taken from it, as Redis keeps it. */
export class EngineCheckpoint {
  readonly kept = new Map<string, string>();

  save(engine: Engine): void {
    for (const [key, json] of engine.takeChanges()) {
      if (json === undefined) this.kept.delete(key);
      else this.kept.set(key, json);
    }
  }

  /** @param random Redis gives the entries of a hash in any order */
  restore(engine: Engine, random: () => number = () => 0.5): void {
    for (const [key, json] of [...this.kept].sort(() => random() - 0.5)) engine.restore(key, json);
  }
}
