/** As much of a browser as signing in needs: cookies by host and port, redirects, forms. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
}

export interface Page {
  readonly url: URL
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** Not by fetch, which says itself what browsers say of where a request comes from. */
async function sent(url: URL, { method = 'GET', headers, body }: Sent): Promise<Omit<Page, 'url'>> {
  const text = body === undefined ? '' : String(body)
  const type = body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
  const length = { 'content-length': String(Buffer.byteLength(text)) }
  const asked = request(url, { method, headers: { ...type, ...length, ...headers }, agent: false })
  asked.end(text)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const pieces: Buffer[] = []
  for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece)
  const fields = new Headers()
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2)
    fields.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '')
  return { status: answer.statusCode ?? 0, text: Buffer.concat(pieces).toString(), headers: fields }
}

export class Browser {
  /** By origin: real ones go by host alone, and everything here is on loopback. */
  readonly cookies = new Map<string, Map<string, string>>()

  /** Where redirects are not followed any more. */
  stopAt: ((url: URL) => boolean) | undefined

  /** Follows redirects as a person does who opens an address. */
  async open(address: string | URL, init: Sent = {}): Promise<Page> {
    let url = new URL(address)
    let next = init
    for (let hops = 0; hops < 20; hops++) {
      const page = await this.ask(url, next)
      const location = page.headers.get('location')
      if (page.status < 300 || page.status >= 400 || location === null) return page
      url = new URL(location, url)
      if (this.stopAt?.(url)) return { ...page, url }
      next = {}
    }
    throw new Error('too many redirects')
  }

  /** One request, as a navigation unless `init` says otherwise. */
  async ask(url: URL, init: Sent = {}): Promise<Page> {
    const jar = this.cookies.get(url.origin) ?? new Map<string, string>()
    this.cookies.set(url.origin, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = {
      accept: 'text/html',
      'sec-fetch-mode': 'navigate',
      ...(cookie === '' ? {} : { cookie }),
      ...init.headers,
    }
    const answer = await sent(url, { ...init, headers })
    for (const line of answer.headers.getSetCookie()) {
      const [pair = '', ...rest] = line.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (rest.some((each) => /^\s*max-age=0$/i.test(each) || /expires=Thu, 01 Jan 1970/i.test(each)))
        jar.delete(name)
      else jar.set(name, pair.slice(pair.indexOf('=') + 1))
    }
    return { url, ...answer }
  }

  /** Sends the page's form with these fields filled in. */
  async submit({ url, text }: Page, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
    const action = /<form[^>]*action="([^"]*)"/.exec(text)?.[1]
    if (action === undefined) throw new Error(`no form at ${url.href}: ${text.slice(0, 300)}`)
    const hidden = [...text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([tag]) => [
      /name="([^"]*)"/.exec(tag)?.[1] ?? '',
      /value="([^"]*)"/.exec(tag)?.[1] ?? '',
    ])
    const body = new URLSearchParams({ ...Object.fromEntries(hidden), ...fields })
    const to = new URL(action, url)
    return await this.open(to, {
      method: 'POST',
      body,
      headers: { origin: url.origin, 'sec-fetch-site': 'same-origin' },
    })
  }

  /** Opens an address and signs in on the way where that is asked for. */
  async signIn(address: string, login: string): Promise<Page> {
    let page = await this.open(address)
    if (page.text.includes('name="login"')) page = await this.submit(page, { login, password: 'any' })
    if (page.text.includes('value="consent"')) page = await this.submit(page)
    return page
  }
}
