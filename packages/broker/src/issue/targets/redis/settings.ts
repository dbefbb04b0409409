import { z } from 'zod'
import { secretReference } from '../../../base/reference.ts'

/**
 * Rules of what a user may do: keys (`~app:*`, `%R~app:*`), channels (`&news`), commands and categories (`+get`,
 * `+@read`, `-@dangerous`). Not those of how somebody signs in (`nopass`, `>word`, `on`, `reset`): these are ours.
 */
const rule = z
  .string()
  .max(256)
  .regex(
    /^(?:(?:~|%R~|%W~|%RW~|&)[\x21-\x7e]+|[+-]@?[a-z][a-z0-9_.|-]*)$/,
    'must be a rule of keys (~app:*), channels (&news) or commands (+get, +@read, -@dangerous)',
  )

/** The settings of a target `redis_user: { server, rules }` in a policy. */
export const redisUserSettings = z.strictObject({
  server: z.string().min(1).describe('A connection of `connections.redis` in the configuration'),
  rules: z
    .array(rule)
    .min(1)
    .max(64)
    .describe('What the lease may do, in the words of ACL SETUSER, in order'),
})

/** One entry of `connections.redis`. */
export const redisConnection = z.strictObject({
  url: secretReference.describe(
    'redis:// or rediss:// URL of a user that may use ACL SETUSER and ACL DELUSER',
  ),
  save: z
    .boolean()
    .default(false)
    .describe('ACL SAVE after a user was deleted: for servers whose aclfile others save'),
  dangerously_allow_plaintext: z
    .boolean()
    .default(false)
    .describe('Allows redis:// to other machines: passwords cross the network as they are'),
})
