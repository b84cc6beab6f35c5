// Stands in for a room that is being built; removed when it is there.
import type { RoleContext } from '../runtime/role.js';

const api = '../dashboards/api/app.js';

export const startApi = async (context: RoleContext): Promise<unknown> =>
  ((await import(api)) as { startApi: (c: RoleContext) => Promise<unknown> }).startApi(context);
