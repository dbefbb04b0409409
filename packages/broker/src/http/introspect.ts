/** `POST /introspect`, RFC 7662. Who may ask: docs/decisions/0005. */
import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import { type Answer, type Asked, json } from './answer.ts'
import { type Authorization, isRight, readAuthorization } from './authorization.ts'
import type { Caller, Doors, IntrospectionClient } from './doors.ts'
import { refuse } from './errors.ts'
import { readForm } from './form.ts'

type Parts = Pick<Doors, 'introspect' | 'introspectionClients' | 'record' | 'tools'>

/** Answers an introspection request; every refusal comes back as an answer too. */
export async function answerIntrospection(asked: Asked, parts: Parts): Promise<Answer> {
  const authorization = readAuthorization(asked.headers.authorization)
  try {
    const token = readForm(asked).get('token')
    const caller = callerOf(authorization, token, parts.introspectionClients)
    if (caller === undefined) throw await rejected(parts, authorization)
    if (token === undefined) throw new Failure('request_malformed', { detail: 'token is missing.' })
    return json(200, await parts.introspect(new Secret(token), caller))
  } catch (thrown) {
    return refuse(thrown, parts.tools, { scheme: authorization?.scheme ?? 'Basic' })
  }
}

/** A holder asks about exactly the token that it holds: it learns nothing that it could not use anyway. */
function callerOf(
  authorization: Authorization | undefined,
  token: string | undefined,
  clients: readonly IntrospectionClient[],
): Caller | undefined {
  if (authorization === undefined) return undefined
  if (authorization.scheme === 'Bearer') {
    return token !== undefined && new Secret(token).equals(authorization.token)
      ? { kind: 'holder' }
      : undefined
  }
  const client = clients.find((each) => each.name === authorization.name)
  if (!isRight(client?.secret, authorization.passwords) || client === undefined) return undefined
  return { kind: 'client', name: client.name, target: client.target }
}

async function rejected(parts: Parts, authorization: Authorization | undefined): Promise<Failure> {
  const reason =
    authorization === undefined
      ? 'no credentials that this door understands'
      : authorization.scheme === 'Bearer'
        ? 'the bearer is not the token that was asked about'
        : 'unknown resource server, or its secret is wrong'
  const failure = new Failure('client_rejected', { reason })
  return failure.recorded(await parts.record({ type: 'introspection.refused', code: failure.code, reason }))
}
