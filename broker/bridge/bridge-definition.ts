import { z } from 'zod';
import { deviceClasses } from '../../devices/device-class.js';
import { idPattern } from '../../devices/topic.js';

const text = z.string({ error: 'must be text' }).trim().min(1, { error: 'must not be empty' });
const id = text.regex(idPattern, {
  error: 'must be an id: up to 64 letters, digits, ".", "_" or "-"',
});
const protocols = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];
const url = text.check((context) => {
  const issue = (message: string) => context.issues.push({ code: 'custom', input: context.value, message });
  if (!URL.canParse(context.value) || !protocols.includes(new URL(context.value).protocol)) {
    issue('must be a URL that begins with mqtt://, mqtts://, ws:// or wss://');
  } else if (new URL(context.value).username !== '' || new URL(context.value).password !== '') {
    issue('must not hold a user name or password; use username: and passwordEnv: or passwordFile:');
  }
});

export const subscriptionSchema = z.strictObject({
  topics: z.array(text).min(1, { error: 'must name a topic filter' }).optional(),
  profile: text,
  site: id,
  class: z.enum(deviceClasses, { error: `must be one of ${deviceClasses.join(', ')}` }).optional(),
  prefix: z
    .string({ error: 'must be text' })
    .regex(/^([A-Za-z0-9][A-Za-z0-9._-]{0,31})?$/, {
      error: 'must be the beginning of an id, up to 32 characters',
    })
    .default(''),
  devices: z.record(z.string(), id, { error: 'must be names of devices with our ids' }).default({}),
  qos: z.union([z.literal(0), z.literal(1)], { error: 'must be 0 or 1' }).default(1),
});

/** One bridge as it is written in the file. */
export const bridgeSchema = z.strictObject({
  name: text.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, {
    error: 'must be up to 32 small letters, digits and "-", beginning with a letter or digit',
  }),
  url,
  mqtt: z.union([z.literal('3.1.1'), z.literal(5)], { error: 'must be 3.1.1 or 5' }).default('3.1.1'),
  clientId: text.max(64).optional(),
  username: text.optional(),
  passwordEnv: text.optional(),
  passwordFile: text.optional(),
  ca: text.optional(),
  cert: text.optional(),
  key: text.optional(),
  share: text
    .regex(/^[^/+#]+$/, { error: 'must be the name of a group, without "/", "+" and "#"' })
    .optional(),
  hostId: text.regex(/^[^/+#]+$/, { error: 'must be one topic level' }).optional(),
  subscriptions: z.array(subscriptionSchema).min(1, { error: 'must hold a subscription' }),
});

/** Every key that a bridge may have, for whoever wrote another. */
export const bridgeKeys: readonly string[] = Object.keys(bridgeSchema.shape);
export const subscriptionKeys: readonly string[] = Object.keys(subscriptionSchema.shape);
