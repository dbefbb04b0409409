/** What JSON Schema says of a value by itself: its type, its size, its equals. */
import { isObject } from '../message.ts'
import { type Cost, pay, Untold } from './cost.ts'

/** Whether a value is of a type (JSON Schema 2020-12 validation, 6.1.1). Throws `Untold` for a type that there is not. */
export function isOfType(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'boolean':
    case 'string':
    case 'number':
      return typeof value === type
    case 'integer':
      return Number.isInteger(value)
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    default:
      throw new Untold('it has a type that there is not')
  }
}

/** Equality of JSON (JSON Schema 2020-12 core, 4.2.2): the order of members says nothing. */
export function isEqual(one: unknown, other: unknown, cost: Cost): boolean {
  pay(cost)
  if (Array.isArray(one))
    return (
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((item, at) => isEqual(item, other[at], cost))
    )
  if (!isObject(one)) return one === other
  const names = Object.keys(one)
  pay(cost, names.length)
  return (
    isObject(other) &&
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(one[name], other[name], cost))
  )
}

type Bound = (size: number, bound: number) => boolean
const least: Bound = (size, bound) => size >= bound
const most: Bound = (size, bound) => size <= bound

/** As people count: 1.13 is a multiple of 0.01, though not in binary. */
const isMultiple: Bound = (size, bound) => Math.abs(size / bound - Math.round(size / bound)) < 1e-9

/** Of what a value has by itself, the size that each keyword bounds, and how. */
const bounds: Readonly<
  Record<string, readonly [of: (value: unknown) => number | undefined, Bound, words: string]>
> = {
  minimum: [numberIn, least, 'must not be less'],
  maximum: [numberIn, most, 'must not be more'],
  exclusiveMinimum: [numberIn, (size, bound) => size > bound, 'must be more'],
  exclusiveMaximum: [numberIn, (size, bound) => size < bound, 'must be less'],
  multipleOf: [numberIn, isMultiple, 'must be a multiple'],
  minLength: [charactersIn, least, 'must be longer'],
  maxLength: [charactersIn, most, 'must be shorter'],
  minItems: [itemsIn, least, 'must have more items'],
  maxItems: [itemsIn, most, 'must have fewer items'],
  minProperties: [membersIn, least, 'must have more members'],
  maxProperties: [membersIn, most, 'must have fewer members'],
}

/** What a keyword about sizes, or `uniqueItems`, finds wrong; `undefined` also for any other keyword. */
export function shapeFault(keyword: string, says: unknown, value: unknown, cost: Cost): string | undefined {
  if (keyword === 'uniqueItems')
    return says === true && Array.isArray(value) && hasTwins(value, cost)
      ? 'must not have an item twice'
      : undefined
  const row = Object.hasOwn(bounds, keyword) ? bounds[keyword] : undefined
  if (row === undefined) return undefined
  const [of, holds, words] = row
  const size = of(value)
  // Characters and members were counted.
  pay(cost, typeof value === 'number' || Array.isArray(value) ? 1 : (size ?? 1))
  if (size === undefined) return undefined
  // Draft 4 had booleans beside `minimum` and `maximum`.
  if (typeof says === 'boolean' && keyword.startsWith('exclusive')) return undefined
  if (typeof says !== 'number') throw new Untold('a number is missing in it')
  return holds(size, says) ? undefined : `${words} (${says})`
}

function hasTwins(items: readonly unknown[], cost: Cost): boolean {
  for (const [at, item] of items.entries())
    for (let before = 0; before < at; before += 1) if (isEqual(items[before], item, cost)) return true
  return false
}

function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** Characters, not UTF-16 units (JSON Schema 2020-12 validation, 6.3.1). */
function charactersIn(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  let count = 0
  for (const _ of value) count += 1
  return count
}

function itemsIn(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined
}

function membersIn(value: unknown): number | undefined {
  return isObject(value) ? Object.keys(value).length : undefined
}
