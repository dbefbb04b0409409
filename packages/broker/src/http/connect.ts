/** Where connectors arrive (`mayfly connect`): HTTP/1.1 up to the switch, and then nothing that these doors know. */
import { Secret } from '../base/secret.ts'
import { type Answer, type Asked, json } from './answer.ts'
import { readAuthorization } from './authorization.ts'
import type { Switch } from './door-row.ts'
import type { Doors } from './doors.ts'

/** The token of the Upgrade field (RFC 9110 7.8). */
export const connectProtocol = 'mayfly-connect'

/** Without the field there is nothing to see here (RFC 9110 15.5.22). */
export function answerConnect(): Answer {
  const { headers, ...rest } = json(426, { error: 'upgrade_required' })
  return { ...rest, headers: [...headers, 'Connection', 'Upgrade', 'Upgrade', connectProtocol] }
}

/** What takes the connection of whoever may be this connector. Throws `Failure`. */
export async function switchToConnector({ headers, name = '' }: Asked, doors: Doors): Promise<Switch> {
  const given = readAuthorization(headers.authorization)
  const token = given?.scheme === 'Bearer' ? new Secret(given.token) : undefined
  if (doors.connectors === undefined) throw new TypeError('a door without anything behind it')
  return await doors.connectors.admit(name, token)
}
