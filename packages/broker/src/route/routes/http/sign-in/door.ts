/** People at an HTTP route: who has no token and a browser is sent to sign in; a cookie stands for the token from then on. */
import type { IncomingMessage } from 'node:http'
import { asFailure, Failure } from '../../../../base/failure.ts'
import { newId } from '../../../../base/id.ts'
import { Secret } from '../../../../base/secret.ts'
import { type Problem, problem, withPlace } from '../../../bearer-error.ts'
import type { SignIn } from '../../../sign-in.ts'
import type { Asked } from '../asked.ts'
import { valuesOf } from '../fields.ts'
import { sessionCookie } from '../own-cookies.ts'
import { refusalOf } from '../saying-no.ts'
import type { Serving } from '../served.ts'
import { cookieOf, keptCookie, setCookie, withoutOlder } from './cookies.ts'
import { cameBack, insufficient, plainly, stepped } from './step-up.ts'

export const ownPaths = '/.mayfly/'
const wellKnown = '/.well-known/oauth-protected-resource'
/** A logout token is below 4 KB. */
const longestForm = 16_384
/** How long a form may take. */
const formMs = 10_000
/** A cookie with its name, as browsers keep it. */
const longestCookie = 4096
/** Sealed with the rest it has to fit a cookie, which browsers keep up to 4096 bytes. */
const longestReturn = 2048

/** A request of somebody with a browser: answered here, or to be asked of the gate with the token of the cookie. */
export type Passed = { readonly answer: Problem } | { readonly asked: Asked }

/** Never throws. */
export async function passDoor(
  serving: Serving,
  signIn: SignIn,
  request: IncomingMessage,
  asked: Asked,
): Promise<Passed> {
  try {
    if (asked.path === wellKnown && request.method === 'GET') return { answer: metadata(serving, signIn) }
    if (asked.path.startsWith(ownPaths)) return { answer: await own(serving, signIn, request, asked) }
    // Whoever brings a token is asked about that one, whatever a browser sends along.
    if (asked.token !== undefined || asked.fault !== undefined) return { asked }
    const cookie = cookieOf(request.rawHeaders, sessionCookie)
    if (cookie === 'several') throw new Failure('request_malformed', { detail: 'The session came twice.' })
    if (cookie === undefined)
      return isNavigation(request) ? { answer: await toSignIn(signIn, request, asked) } : { asked }
    checkSite(signIn, request, asked.overrides)
    return { asked: { ...asked, token: new Secret(cookie) } }
  } catch (thrown) {
    return { answer: await refused(serving, thrown) }
  }
}

/** What the gate refuses to somebody with a browser: a session that is over is begun again. */
export async function again(
  serving: Serving,
  signIn: SignIn,
  request: IncomingMessage,
  asked: Asked,
  refusal: Problem,
): Promise<Problem> {
  if (refusal.status !== 401 && refusal.needs === undefined) return refusal
  const isProgram = valuesOf(request.rawHeaders, 'authorization').length > 0 || !isNavigation(request)
  try {
    if (refusal.status !== 401) return await orStronger(serving, signIn, request, asked, refusal)
    if (isProgram) return withPlace(refusal, `${signIn.origin}${wellKnown}`)
    return await toSignIn(signIn, request, asked)
  } catch (thrown) {
    return await refused(serving, thrown)
  }
}

/** Somebody whose session gives too little, and who may get more by signing in more strongly. */
async function orStronger(
  { tools }: Serving,
  signIn: SignIn,
  request: IncomingMessage,
  asked: Asked,
  refusal: Problem,
): Promise<Problem> {
  const isSession = valuesOf(request.rawHeaders, 'authorization').length === 0 && asked.token !== undefined
  if (!isSession || asked.token === undefined) return refusal
  if (cameBack(request)) return plainly(refusal)
  const acr = await signIn.stronger(asked.token, refusal.needs ?? [])
  if (acr.length === 0) return refusal
  return isNavigation(request) ? await toSignIn(signIn, request, asked, acr) : insufficient(acr, tools)
}

async function own(
  serving: Serving,
  signIn: SignIn,
  request: IncomingMessage,
  { path, query }: Asked,
): Promise<Problem> {
  const place = `${request.method} ${path.slice(ownPaths.length)}`
  switch (place) {
    case 'GET callback':
      return await callback(signIn, request, query)
    case 'GET sign-out':
      return page(200, signOutPage)
    case 'POST sign-out': {
      checkSite(signIn, request, false)
      const cookie = cookieOf(request.rawHeaders, sessionCookie)
      const token = cookie === 'several' || cookie === undefined ? '' : cookie
      const onward = await signIn.end(new Secret(token))
      return redirect(onward ?? '/', [setCookie(sessionCookie, '', 0)])
    }
    case 'POST backchannel-logout': {
      const form = new URLSearchParams(await readForm(serving, request))
      const failed = await signIn.logout(form.get('logout_token') ?? '').catch(asFailure)
      if (failed !== undefined) return await badLogout(serving, failed)
      return { status: 200, headers: ['Cache-Control', 'no-store'], body: '' }
    }
    default:
      return problem(404, 'There is nothing here.', newId('er', serving.tools))
  }
}

async function callback(signIn: SignIn, request: IncomingMessage, query: string): Promise<Problem> {
  const answer = new URLSearchParams(query)
  const name = keptCookie((answer.get('state') ?? '').slice(0, 8))
  const kept = cookieOf(request.rawHeaders, name)
  if (kept === undefined || kept === 'several')
    throw new Failure('request_malformed', {
      detail: 'This sign-in was not begun in this browser. Begin again.',
      reason: 'sign-in: no cookie',
    })
  const finished = await signIn.finish(answer, kept)
  const over = setCookie(name, '', 0)
  if ('location' in finished) {
    const { location, tag } = finished
    return redirect(location, [over, setCookie(keptCookie(tag), finished.kept, 600)])
  }
  const { token, seconds, returnTo } = finished
  if (`${sessionCookie}=${token.reveal()}`.length > longestCookie) {
    await signIn.end(token)
    const reason = 'sign-in: the token is longer than a cookie may be; let the grant give fewer scopes'
    throw new Failure('internal', { reason })
  }
  const session = setCookie(sessionCookie, token.reveal(), seconds)
  return redirect(returnTo, [session, over, ...(finished.stepped ? [stepped()] : [])])
}

async function toSignIn(
  signIn: SignIn,
  request: IncomingMessage,
  { path, query }: Asked,
  acr?: readonly string[],
): Promise<Problem> {
  const back = [path + query, path].find((text) => JSON.stringify(text).length <= longestReturn) ?? '/'
  const { location, kept, tag } = await signIn.begin(back, acr)
  return redirect(location, [...withoutOlder(request.rawHeaders), setCookie(keptCookie(tag), kept, 600)])
}

/** RFC 9728 3.2: where programs learn who gives tokens for this. */
function metadata({ gate, target, route }: Serving, { broker, origin }: SignIn): Problem {
  const said = { authorization_servers: [broker], bearer_methods_supported: ['header'], resource_name: route }
  return {
    status: 200,
    headers: ['Content-Type', 'application/json', 'Cache-Control', 'no-store'],
    body: JSON.stringify({ resource: gate.audience(target) ?? origin, ...said }),
  }
}

/** In the log before anybody hears of it. What the exchange refused is there already. */
async function refused(serving: Serving, thrown: unknown): Promise<Problem> {
  const failure = asFailure(thrown)
  if (failure.entry !== undefined) return refusalOf(serving, failure)
  const { gate, route, target } = serving
  return refusalOf(serving, await gate.refuse(undefined, { route, target, action: 'sign-in' }, failure))
}

/** OpenID Connect Back-Channel Logout 1.0 2.8: the provider is a client here, and its request was wrong. */
async function badLogout(serving: Serving, failure: Failure): Promise<Problem> {
  const said = await refused(serving, failure)
  if (said.status !== 401) return said
  const { error_id } = JSON.parse(said.body) as { error_id: string }
  return problem(400, 'This is no logout token for us.', error_id, { error: 'invalid_request' })
}

/** A person opens a page, or follows a link to one. Programs hear that they need a token instead. */
function isNavigation(request: IncomingMessage): boolean {
  if (request.method !== 'GET') return false
  const [mode] = valuesOf(request.rawHeaders, 'sec-fetch-mode')
  if (mode !== undefined) return mode === 'navigate'
  return valuesOf(request.rawHeaders, 'accept').some((value) => value.includes('text/html'))
}

/** A cookie comes along whoever makes the browser ask: what may change something has to be asked by a page of ours. */
function checkSite({ origin }: SignIn, request: IncomingMessage, overrides: boolean): void {
  const isSwitching = valuesOf(request.rawHeaders, 'upgrade').length > 0
  // A link may name another method, which some servers follow.
  if (['GET', 'HEAD'].includes(request.method ?? '') && !isSwitching && !overrides) return
  const [from] = valuesOf(request.rawHeaders, 'origin')
  const [site] = valuesOf(request.rawHeaders, 'sec-fetch-site')
  const isOurs = from === undefined ? site === 'same-origin' : from === origin
  if (!isOurs)
    throw new Failure('target_refused', {
      detail: 'Another site asked for this in your name.',
      reason: 'a session was used by another site',
    })
}

async function readForm({ tools }: Serving, request: IncomingMessage): Promise<string> {
  const [type = ''] = valuesOf(request.rawHeaders, 'content-type')
  if (!type.toLowerCase().startsWith('application/x-www-form-urlencoded'))
    throw new Failure('request_malformed', { detail: 'This is a form.' })
  const chunks: Buffer[] = []
  let size = 0
  // Anybody may begin one, so nobody takes long.
  const cancel = tools.after(formMs, () => request.destroy())
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > longestForm) throw new Failure('request_too_large')
      chunks.push(chunk)
    }
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown
    throw new Failure('request_malformed', { reason: 'sign-in: a form that did not come', cause: thrown })
  } finally {
    cancel()
  }
  return Buffer.concat(chunks).toString()
}

function redirect(location: string, cookies: readonly (readonly [string, string])[]): Problem {
  const headers = ['Location', location, 'Cache-Control', 'no-store', 'Referrer-Policy', 'no-referrer']
  return { status: 303, headers: [...headers, ...cookies.flat()], body: '' }
}

const signOutPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sign out</title>
<form method="post" action="/.mayfly/sign-out"><button id="sign-out">Sign out</button></form>
</html>
`

function page(status: number, body: string): Problem {
  const policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
  return {
    status,
    headers: [
      ...['Content-Type', 'text/html; charset=utf-8', 'Cache-Control', 'no-store'],
      ...['Content-Security-Policy', policy, 'X-Content-Type-Options', 'nosniff'],
    ],
    body,
  }
}
