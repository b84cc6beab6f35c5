/** The processes of a pipeline. */
export const roles = ['broker', 'ingest', 'alerts', 'api', 'bridge'] as const;
export type Role = (typeof roles)[number];
