/**
 * The EventBridge stand-in: rules with patterns and schedules, functions as targets, PutEvents.
 * Delivery is an asynchronous invocation, whose retries Lambda keeps; what no function can take is logged and dropped.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { FunctionInvoker } from '../lambda/types.ts';
import type { AwsRequest, AwsService, UncheckedRequest } from '../service.ts';
import { sendJson } from '../shared/send-json.ts';
import type { EventBridgeBehaviour } from './behaviour.ts';
import { compilePattern, type EventMatcher } from './event-pattern.ts';
import { eventRights } from './rights.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import type { BusEvent, RuleDefinition } from './types.ts';

export interface EventBridgeOptions {
  readonly accountId: string;
  readonly region: string;
  readonly invoker: Pick<FunctionInvoker, 'invokeAsync'>;
  readonly log: (message: string) => void;
  /** Takes an event that a target with such a queue could not be given. */
  readonly deadLetter?: (queueArn: string, event: unknown) => void;
  /** By default each event is delivered once, at once. */
  readonly behaviour?: EventBridgeBehaviour | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Runs something later; answers how to call it off. */
  readonly later?: (delayMs: number, run: () => void) => () => void;
}

interface Rule {
  readonly definition: RuleDefinition;
  readonly matches: EventMatcher | undefined;
  readonly schedule: Schedule | undefined;
}

export interface PublishedEvent {
  readonly source: string;
  readonly detailType: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
  readonly busName?: string | undefined;
  readonly time?: Date | undefined;
}

/** Node's timers hold 31 bits of milliseconds; a longer wait is taken in pieces. */
const longestTimerMs = 2 ** 31 - 1;

const putEventsRequest = z.object({
  Entries: z
    .array(
      z.object({
        Source: z.string().min(1).optional(),
        DetailType: z.string().min(1).optional(),
        Detail: z.string().optional(),
        Resources: z.array(z.string()).default([]),
        EventBusName: z.string().optional(),
        Time: z.number().optional(),
      }),
    )
    .min(1)
    .max(10),
});

type Entry = z.output<typeof putEventsRequest>['Entries'][number];

function startTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}

export class EventBridgeService implements AwsService {
  readonly name = 'events';
  readonly #options: EventBridgeOptions;
  readonly #rules = new Map<string, Rule>();
  readonly #buses = new Set(['default']);
  readonly #timers = new Map<string, () => void>();
  #closed = false;

  constructor(options: EventBridgeOptions) {
    this.#options = options;
  }

  createBus(busName: string): void {
    this.#buses.add(busName);
  }

  /** Throws for a pattern or a schedule that this machine cannot follow. */
  putRule(definition: RuleDefinition): void {
    const { eventPattern, scheduleExpression } = definition;
    this.#rules.set(definition.arn, {
      definition,
      matches: eventPattern && compilePattern(eventPattern),
      schedule: scheduleExpression === undefined ? undefined : parseSchedule(scheduleExpression),
    });
  }

  /** Schedules run from now on; patterns match from the moment a rule is put. */
  startSchedules(): void {
    for (const rule of this.#rules.values()) {
      if (rule.schedule === undefined || !rule.definition.enabled) continue;
      this.#waitFor(rule, rule.schedule(this.#now()));
    }
  }

  /** Fires every enabled schedule once, now, and leaves its times as they are. */
  fireSchedules(): void {
    for (const { definition, schedule } of this.#rules.values())
      if (schedule !== undefined && definition.enabled) this.#deliverScheduled(definition);
  }

  publish(event: PublishedEvent): string {
    const { busName = 'default' } = event;
    const envelope = this.#envelope(event);
    for (const { definition, matches } of this.#rules.values()) {
      if (!definition.enabled || definition.busName !== busName) continue;
      if (matches?.(envelope) === true) this.#deliver(definition, envelope);
    }
    return envelope.id;
  }

  rights({ target, body }: UncheckedRequest) {
    const { region, accountId } = this.#options;
    return eventRights(
      target?.split('.').at(-1) ?? '',
      body,
      (name) => `arn:aws:events:${region}:${accountId}:event-bus/${name}`,
    );
  }

  async handle({ target, body }: AwsRequest, response: ServerResponse): Promise<void> {
    const operation = target?.split('.').at(-1) ?? '';
    if (operation !== 'PutEvents') {
      const message = `The stand-in of EventBridge does not serve the operation ${operation}`;
      sendJson(response, 400, { __type: 'UnknownOperationException', message }, '1.1');
      return;
    }
    const parsed = putEventsRequest.safeParse(parseJson(body?.toString() ?? ''));
    if (!parsed.success) {
      const message = z.prettifyError(parsed.error);
      sendJson(response, 400, { __type: 'ValidationException', message }, '1.1');
      return;
    }
    const entries = parsed.data.Entries.map((entry) => this.#putEntry(entry));
    const failed = entries.filter((entry) => 'ErrorCode' in entry);
    sendJson(response, 200, { FailedEntryCount: failed.length, Entries: entries }, '1.1');
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #putEntry(entry: Entry): { EventId: string } | { ErrorCode: string; ErrorMessage: string } {
    const refuse = (ErrorCode: string, ErrorMessage: string) => ({ ErrorCode, ErrorMessage });
    const { Source, DetailType, Detail, EventBusName = 'default', Time } = entry;
    if (Source === undefined || DetailType === undefined || Detail === undefined)
      return refuse('InvalidArgument', 'Parameter Source, DetailType or Detail is not valid.');
    if (Source.startsWith('aws.'))
      return refuse('NotAuthorizedForSourceException', 'Not authorized for the source.');
    const detail = z.record(z.string(), z.unknown()).safeParse(parseJson(Detail));
    if (!detail.success) return refuse('MalformedDetail', 'Detail is malformed.');
    const busName = EventBusName.split('/').at(-1) ?? '';
    // AWS takes an event for a bus that does not exist, and drops it.
    if (!this.#buses.has(busName)) this.#options.log(`no event bus ${busName}: event dropped`);
    const EventId = this.publish({
      source: Source,
      detailType: DetailType,
      detail: detail.data,
      resources: entry.Resources,
      busName,
      ...(Time === undefined ? {} : { time: new Date(Time * 1000) }),
    });
    return { EventId };
  }

  #envelope({ source, detailType, resources, detail, time }: PublishedEvent): BusEvent {
    return {
      version: '0',
      id: randomUUID(),
      'detail-type': detailType,
      source,
      account: this.#options.accountId,
      time: (time ?? new Date(this.#now())).toISOString().replace(/\.\d+Z$/, 'Z'),
      region: this.#options.region,
      resources,
      detail,
    };
  }

  #waitFor(rule: Rule, dueAt: number): void {
    if (this.#closed) return;
    const { later = startTimer } = this.#options;
    const delayMs = Math.max(0, dueAt - this.#now());
    const cancel = later(Math.min(delayMs, longestTimerMs), () => {
      if (delayMs > longestTimerMs) this.#waitFor(rule, dueAt);
      else this.#fire(rule, dueAt);
    });
    this.#timers.set(rule.definition.arn, cancel);
  }

  /** The next time counts from the due one, not from when a busy machine came to it; missed times are left out. */
  #fire(rule: Rule, dueAt: number): void {
    const { definition, schedule } = rule;
    this.#deliverScheduled(definition);
    if (schedule === undefined) return;
    let next = schedule(dueAt);
    while (next <= this.#now()) next = schedule(next);
    this.#waitFor(rule, next);
  }

  #deliverScheduled(rule: RuleDefinition): void {
    const detailType = 'Scheduled Event';
    const event = { source: 'aws.events', detailType, resources: [rule.arn], detail: {} };
    this.#deliver(rule, this.#envelope(event));
  }

  #deliver(rule: RuleDefinition, event: BusEvent): void {
    for (const target of rule.targets) {
      for (const delayMs of this.#options.behaviour?.deliveriesMs?.() ?? [0]) {
        if (delayMs === 0) this.#hand(rule, target, event);
        else this.#handLater(delayMs, () => this.#hand(rule, target, event));
      }
    }
  }

  #handLater(delayMs: number, hand: () => void): void {
    const { later = startTimer } = this.#options;
    const key = randomUUID();
    const cancel = later(delayMs, () => {
      this.#timers.delete(key);
      hand();
    });
    this.#timers.set(key, cancel);
  }

  #hand(rule: RuleDefinition, target: RuleDefinition['targets'][number], event: BusEvent): void {
    if (this.#closed) return;
    const { functionArn, input, deadLetterArn } = target;
    try {
      this.#options.invoker.invokeAsync(
        functionArn,
        input === undefined ? event : parseJson(input),
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log(`rule ${rule.name} could not reach ${functionArn}: ${reason}`);
      if (deadLetterArn !== undefined) this.#options.deadLetter?.(deadLetterArn, event);
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
