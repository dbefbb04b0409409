import type { Retry } from '../src/retry.ts'
import type { Transport, TransportRequest } from '../src/transport.ts'

/** One scripted answer; an Error means that no answer came. */
export type Scripted = { status: number; body?: unknown; headers?: Record<string, string> } | Error

/** A transport that answers from a list and remembers what it was asked. */
export function scripted(...answers: readonly Scripted[]) {
  const requests: { url: string; request: TransportRequest; form: URLSearchParams }[] = []
  const transport: Transport = async (url, request) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)]
    requests.push({ url, request, form: new URLSearchParams(request.body) })
    if (answer === undefined || answer instanceof Error) throw answer
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {})
    return { status: answer.status, headers: new Headers(answer.headers), text: async () => text }
  }
  return { transport, requests }
}

/** The real schedule without its waits, which are written down instead. */
export function noWaiting(schedule: Retry) {
  const waited: number[] = []
  const retry: Retry = {
    ...schedule,
    random: () => 0.5,
    wait: async (ms) => {
      waited.push(ms)
    },
  }
  return { retry, waited }
}
