import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { deviceClasses } from '../device-class.js';
import { describeThrown } from './describe-thrown.js';
import type { Profile } from './profile.js';
import { ProfileError } from './profile-error.js';
import { findSyntaxErrorLine } from './syntax-place.js';

/** A profile and the folder it was found in, where its samples are, too. */
export interface FoundProfile {
  readonly profile: Profile;
  readonly folder: string;
}

/** What a file must export as `profile`; a plain JavaScript file was checked by nobody. */
const profileSchema = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/),
  topics: z.array(z.string().min(1)).min(1),
  deviceClasses: z.array(z.enum(deviceClasses)).min(1),
  deviceId: z.function().optional(),
  decode: z.function(),
  withoutPersonalData: z.function().optional(),
});

/**
 * All profiles by name: the shipped ones, and those in a folder of the user's own, `<name>/profile.js` each.
 * @throws ProfileError when one can't be loaded, is no profile, or has the name of another
 */
export async function loadProfiles(ownFolder?: string): Promise<ReadonlyMap<string, Profile>> {
  const profiles = new Map<string, Profile>();
  for (const { profile, folder } of await findProfiles(ownFolder)) {
    if (profiles.has(profile.name)) {
      throw new ProfileError(
        `${folder}: there is a profile "${profile.name}" already; give it another name.`,
      );
    }
    profiles.set(profile.name, profile);
  }
  return profiles;
}

/** @throws ProfileError */
export async function findProfiles(ownFolder?: string): Promise<readonly FoundProfile[]> {
  const shipped = await findIn(import.meta.dirname);
  return ownFolder === undefined ? shipped : [...shipped, ...(await findIn(resolve(ownFolder)))];
}

/** @throws ProfileError */
export async function findIn(parent: string): Promise<readonly FoundProfile[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is a file' : String(error);
    throw new ProfileError(`The folder of profiles ${parent} can't be read: ${why}.`);
  });
  const files = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(parent, entry.name))
    .sort()
    // The shipped ones run from the sources (tests) and built.
    .flatMap((folder) => ['js', 'mjs', 'ts'].map((kind) => join(folder, `profile.${kind}`)))
    .filter((file) => existsSync(file));
  return Promise.all(files.map(async (file) => ({ profile: await load(file), folder: join(file, '..') })));
}

async function load(file: string): Promise<Profile> {
  let exported: { profile?: unknown };
  try {
    exported = (await import(pathToFileURL(file).href)) as typeof exported;
  } catch (error) {
    const line = error instanceof SyntaxError ? findSyntaxErrorLine(file) : undefined;
    const place = line === undefined ? file : `${file}:${line}`;
    throw new ProfileError(`${place} can't be loaded: ${describeThrown(error)}.`, { cause: error });
  }
  const checked = profileSchema.safeParse(exported.profile);
  if (checked.success) return exported.profile as Profile;
  const issue = checked.error.issues[0];
  const where = ['profile', ...(issue?.path ?? [])].map(String).join('.');
  throw new ProfileError(`${file} exports no profile: ${where}: ${issue?.message ?? ''}.`);
}
