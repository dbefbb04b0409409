import { z } from 'zod'

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** `90s`, `15m`, `24h`, `7d` as seconds; `undefined` when it is not written so. */
export function parseDuration(text: string): number | undefined {
  const match = /^([1-9][0-9]{0,8})([smhd])$/.exec(text)
  if (match === null) return undefined
  const unit = match[2] as keyof typeof units
  return Number(match[1]) * units[unit]
}

/** A duration in a configuration file; the value is seconds. */
export const duration = z.string().transform((text, context) => {
  const seconds = parseDuration(text)
  if (seconds !== undefined) return seconds
  context.addIssue({ code: 'custom', message: `\`${text}\` is not a duration; write 90s, 15m, 24h or 7d` })
  return z.NEVER
})
