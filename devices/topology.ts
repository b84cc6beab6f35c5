import type { Device } from './device.js';

/** What a device is reached through, as its `parent` names it. */
export interface Parent {
  readonly device: string;
  /** Of the device, which must then be a gateway. */
  readonly port?: string | undefined;
}

/** One step of the way from a device up to its site. */
export type Link =
  | { readonly kind: 'device'; readonly device: Device }
  | { readonly kind: 'port'; readonly gateway: string; readonly port: string }
  | { readonly kind: 'site'; readonly site: string };

type Linked = Pick<Device, 'id' | 'parent'>;

/** Takes `gateway-id#port` or `device-id` apart. */
export function parseParent(text: string): Parent {
  const hash = text.indexOf('#');
  return hash < 0 ? { device: text } : { device: text.slice(0, hash), port: text.slice(hash + 1) };
}

/**
 * The way from a device up to its site: the device, the switch port it is on, the gateway of that, …, the site.
 * A parent that isn't registered, and one that would close a circle, are left out.
 */
export function chainOf(devices: ReadonlyMap<string, Device>, id: string): Link[] {
  const links: Link[] = [];
  const visited = new Set<string>();
  let device = devices.get(id);
  const site = device?.site;
  while (device !== undefined && !visited.has(device.id)) {
    visited.add(device.id);
    links.push({ kind: 'device', device });
    const parent: Parent | undefined = device.parent === undefined ? undefined : parseParent(device.parent);
    device = parent === undefined ? undefined : devices.get(parent.device);
    if (parent?.port !== undefined && device !== undefined && !visited.has(device.id))
      links.push({ kind: 'port', gateway: parent.device, port: parent.port });
  }
  if (site !== undefined) links.push({ kind: 'site', site });
  return links;
}

/** The ids of the devices above a device, the nearest first. */
export function ancestorsOf(devices: ReadonlyMap<string, Device>, id: string): string[] {
  return chainOf(devices, id)
    .flatMap((link) => (link.kind === 'device' ? [link.device.id] : []))
    .slice(1);
}

/** Devices by what they hang on directly; to be made once for many questions. */
export function groupByParent<Child extends Linked>(devices: Iterable<Child>): Map<string, Child[]> {
  const children = new Map<string, Child[]>();
  for (const device of devices) {
    if (device.parent === undefined) continue;
    const parent = parseParent(device.parent).device;
    const known = children.get(parent);
    if (known === undefined) children.set(parent, [device]);
    else known.push(device);
  }
  return children;
}

/** All devices below a device, nearest first: those that can't be reached when it is gone. */
export function childrenOf<Child extends Linked>(
  byParent: ReadonlyMap<string, readonly Child[]>,
  id: string,
): Child[] {
  const found: Child[] = [];
  const visited = new Set([id]);
  // Grows while it is walked.
  const ids = [id];
  for (const parent of ids) {
    for (const child of byParent.get(parent) ?? []) {
      if (visited.has(child.id)) continue;
      visited.add(child.id);
      found.push(child);
      ids.push(child.id);
    }
  }
  return found;
}

/** Every circle of parents, each as the ids along it, beginning with the one that comes first. */
export function findCycles(devices: Iterable<Linked>): string[][] {
  const parentOf = new Map<string, string | undefined>();
  for (const { id, parent } of devices)
    parentOf.set(id, parent === undefined ? undefined : parseParent(parent).device);
  const finished = new Set<string>();
  const cycles: string[][] = [];
  for (const start of parentOf.keys()) {
    const path = new Map<string, number>();
    let id: string | undefined = start;
    while (id !== undefined && !finished.has(id)) {
      const seenAt = path.get(id);
      if (seenAt !== undefined) {
        cycles.push([...path.keys()].slice(seenAt));
        break;
      }
      path.set(id, path.size);
      id = parentOf.get(id);
    }
    for (const visited of path.keys()) finished.add(visited);
  }
  return cycles;
}
