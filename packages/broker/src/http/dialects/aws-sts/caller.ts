/** Who signed a request with keys that we handed over: AWS Signature Version 4, checked as AWS does. */
import { timingSafeEqual } from 'node:crypto'
import { Failure } from '../../../base/failure.ts'
import { signed } from '../../../base/sigv4.ts'
import type { Asked } from '../../answer.ts'
import type { Identities, Identity } from '../../doors.ts'

const form =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]{16,128})\/(\d{8})\/([a-z0-9-]{1,40})\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]{1,1024}), ?Signature=([0-9a-f]{64})$/

/** How far clocks may be apart. */
const slackMs = 300_000

/** Throws `client_rejected`: no such keys, or they did not sign exactly this. */
export function callerOf(asked: Asked, identities: Identities, nowMs: number): Identity {
  const { headers } = asked
  const [, id = '', date = '', region = '', names = '', signature = ''] =
    form.exec(headers.authorization ?? '') ?? []
  const identity = identities.find(id)
  if (identity === undefined) throw rejected('keys that this process did not hand over in the last minutes')
  const time = String(headers['x-amz-date'])
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(at - nowMs) <= slackMs) || !time.startsWith(date))
    throw rejected('a signature of another time')
  if (!identity.sessionToken.equals(String(headers['x-amz-security-token'])))
    throw rejected('another session token')
  const listed = names.split(';')
  const due = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  if (!due.every((name) => listed.includes(name))) throw rejected('a header that is not signed')
  // These `signed` adds by itself, from the same request.
  const own = ['host', 'x-amz-date', 'x-amz-security-token']
  const others = listed
    .filter((name) => !own.includes(name))
    .map((name) => [name, textOf(headers[name])] as const)
  const { secretAccessKey: secret, sessionToken } = identity
  const { authorization = '' } = signed(
    {
      url: new URL(`http://${hostOf(headers.host)}/`),
      headers: Object.fromEntries(others),
      body: asked.body.toString(),
    },
    { id, secret, sessionToken },
    { region, service: 'sts' },
    at,
  )
  const expected = Buffer.from(authorization.slice(-signature.length), 'hex')
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) throw rejected('the signature is wrong')
  return identity
}

function textOf(value: string | readonly string[] | undefined): string {
  return (typeof value === 'object' ? value.join(',') : (value ?? '')).replaceAll(/ +/g, ' ')
}

/** Only what a URL keeps as it is: the signature is over the header's own text. */
function hostOf(host: string | undefined): string {
  if (host !== undefined && /^[a-z0-9.:[\]-]{1,255}$/.test(host) && URL.canParse(`http://${host}/`))
    return host
  throw rejected('a host that cannot be one')
}

function rejected(reason: string): Failure {
  return new Failure('client_rejected', { reason })
}
