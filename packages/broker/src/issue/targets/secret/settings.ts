import { z } from 'zod'
import { secretReference } from '../../../base/reference.ts'

const name = z.string().min(1).describe('A connection of `connections.secret` in the configuration')

/** The settings of a target in a policy: `secret: npm-publish`, or `secret: { name: npm-publish }`. */
export const secretSettings = z.union([name.transform((text) => ({ name: text })), z.strictObject({ name })])

const lastReplaced = z.iso
  .date('must be a day such as 2026-10-01')
  .optional()
  .describe('The day on which it was last replaced at its place: its age is shown, and warned of')

const [fromEnvironment, fromFile] = secretReference.options

const sealed = z
  .literal(true)
  .describe('Kept in the store, sealed; `mayfly secrets put NAME` gives it a value and replaces it')

/** One entry of `connections.secret`: where the secret is read from, and, outside the store, since when it is the same. */
export const secretConnection = z.union([
  fromEnvironment
    .extend({ last_replaced: lastReplaced })
    .transform(({ env, last_replaced }) => ({ value: { env }, last_replaced })),
  fromFile
    .extend({ last_replaced: lastReplaced })
    .transform(({ file, last_replaced }) => ({ value: { file }, last_replaced })),
  z.strictObject({ sealed }),
])
