/**
 * Every bound of the service, in one place: the unit is in the name, the reason beside the number.
 * A limit that an administrator can raise per project is a default here and says so.
 */
export const limits = {
  /** Guide: "Payload is too long (must be 256 bytes or less)". UTF-8 bytes. Default, raised per project. */
  payloadBytes: 256,
  /** Guide: "four subchannels available". A limit of the app, never a constant of a schema. */
  subchannels: 4,
  /** As many as an administrator may let a project use at /v2; the historic door keeps to four. */
  subchannelsMax: 32,
  /** The name of a subchannel. */
  subchannelNameCharacters: 32,
  /** Guide: "10,000 message requests allowed per day". Default, raised per project; 0 = none. */
  dailyMessages: 10_000,
  /** Channels that all multicasts of a project may reach in a day. */
  dailyTargets: 1_000_000,
  /** Channels that one multicast names. */
  multicastChannels: 1_000,
  /** A body at /v2/messages: a thousand channel ids, and a payload as large as a project may have it, each character escaped. */
  multicastBodyBytes: 192 * 1024,
  /** A sender's own name for a request, and how long a repeat of it gets the first answer. */
  idempotencyKeyCharacters: 255,
  idempotencyHours: 24,
  /** How long the state of a multicast's messages is kept. */
  stateDays: 7,
  /** How long a message without a TTL of its own waits for a device. */
  retentionDays: 28,

  /** A request body at the JSON doors; a message of 256 bytes needs far less even when every character is escaped. */
  jsonBodyBytes: 16 * 1024,
  /** Addresses of doors that are remembered taken apart: a handful, times the host names by which the service is reached. */
  addressesRemembered: 100,
  /** How long a request body may take to arrive: a slower sender holds a socket for nothing. */
  bodyMs: 10_000,
  /** Request line plus headers that we read from: longer tokens than ours exist only in attacks. */
  tokenCharacters: 2_048,

  /** Devices of one channel; the longest silent one leaves when one more registers. Default, raised for the whole service. */
  devicesPerChannel: 20,
  /** As far as that can be raised: an ended message is recorded for each of them. */
  devicesPerChannelMax: 100_000,
  /** Bytes of a device's name, shown in the list of devices. */
  deviceNameCharacters: 80,
  /** Devices on a page of the list of all devices of an account. */
  devicesShown: 50,
  /** SC2: unconfirmed messages of one subchannel on one connected device before newer ones coalesce. */
  unconfirmedPerSlot: 16,
  /** Messages that wait in the queue (no slot) of a channel. */
  queuedPerChannel: 1_000,
  /** How often a subchannel was seen further, the last times: tells when a message was seen first. */
  seenRemembered: 100,
  /** Messages that wait in the queue of a subchannel; one more ends the oldest. */
  queuedPerSubchannel: 100,
  /** Topics of a push subscription that wait at the same time; each is a slot that a sender may name at will. */
  topicsPerSubscription: 100,
  /** Subscriptions of one browser profile: a page may ask for one per site, a program for as many as it likes. */
  subscriptionsPerHolder: 1_000,
  /** A push with TTL 0 is for a browser that is connected; this covers the way to it, and a connection just being renewed. */
  instantMs: 5_000,
  /** Retry-After of a full queue: it empties when the browser comes back, which nobody can know. */
  queueRetrySeconds: 600,
  /** A browser profile that has not connected for so long loses its subscriptions: deleted profiles say no goodbye. */
  silentHolderDays: 60,
  /** Body of a push. RFC 8030 section 7.2: 4,096 bytes are never refused; this is what an encoded 4,096 may grow to. */
  pushBodyBytes: 5_630,
  /** RFC 8030 section 5.4: a topic has at most 32 characters. */
  topicCharacters: 32,
  /** RFC 8292 section 2: a sender's signature is good for at most a day. */
  vapidHours: 24,
  /** Clocks of senders that are off by this much are taken as right. */
  vapidSkewMs: 60_000,
  /** Retry-After when messages cannot be kept now. */
  unavailableRetrySeconds: 120,
  /** OL1: messages that are being kept at a time; one commit takes about half of the time that they may wait for it. */
  writesInFlight: 512,
  /** How long they wait for a turn of the event loop, which comes late while more requests arrive than are answered. */
  writesWaitMs: 50,
  /** Retry-After of who is refused for the load: a burst is over by then. */
  overloadedRetrySeconds: 5,
  /** How often the log says that messages or connections are refused for the load. */
  overloadedToldMs: 10_000,
  /** OL2: how often memory is read, and the part of --memory-limit from which on nothing new is taken. */
  memoryLookMs: 500,
  memoryPart: 0.9,
  /** How often garbage is collected while it is scarce: each time holds everything up for a moment. */
  memoryCollectMs: 10_000,
  /** MiB that it can name. */
  memoryLimitMax: 1024 * 1024,
  /** Messages that receipts list at a time, newest first. */
  receiptsListed: 1_000,
  /** Streams of receipts that are open at the same time, how often each looks for ends that nobody told it, and how long one lasts. */
  receiptStreams: 200,
  receiptLookMs: 10_000,
  receiptStreamMs: 3_600_000,
  /** Streams of events of a project's messages that are open at the same time; each lasts receiptStreamMs at most. */
  eventStreamsPerProject: 100,
  /** Proxies cut a connection that is silent for long; with each of these the stream also looks for what nobody announced. */
  eventHeartbeatMs: 15_000,
  /** How long a client that was cut off waits before it comes back, and how far back it is told then: what was being kept. */
  eventRetryMs: 3_000,
  eventOverlapMs: 10_000,
  /** Webhooks of a project or of an app, and the longest address of one. */
  webhooksEach: 10,
  webhookUrlCharacters: 2_048,
  /** Calls to webhooks under way, in all and to one: a slow one must not take the places of all. */
  webhookCalls: 32,
  webhookCallsEach: 4,
  /** Until a webhook has answered; Standard Webhooks lets a receiver take 15 to 30 s, most take one. */
  webhookAnswerMs: 15_000,
  /** Waits before a call is tried again, 9 tries in two days; then the event is given up. */
  webhookRetryMs: [
    5_000, 60_000, 300_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
  ] as readonly number[],
  /** A webhook of which no call has succeeded for so long is switched off. */
  webhookFailingDays: 5,
  /** Events that wait for one webhook; further ones are dropped, and counted. */
  webhookQueue: 10_000,
  /** Events of a webhook that are remembered, by number and by age, and how many of them the console lists. */
  webhookDeliveriesKept: 20_000,
  webhookDeliveryDays: 8,
  webhookDeliveriesShown: 50,
  /** How often messages that webhooks are told of are looked at for having expired; the wait after a failure of ours too. */
  webhookLookMs: 30_000,
  /** A start tells webhooks of devices that left so long ago, if it was not done. */
  webhookLeftMs: 86_400_000,
  webhookPruneMs: 3_600_000,
  /** Messages that webhooks are told of and that have not ended, one for each channel; they are held in memory. */
  receiptsFollowed: 200_000,
  /** A removed subscription is remembered, so that its senders are told that it is gone and not that it never was. */
  removedSubscriptionDays: 60,
  /** Devices of which a node remembers how their last connection ended. */
  endingsRemembered: 10_000,
  /** How much of a queue one device's outbox holds in memory at a time. */
  queuePage: 100,

  /** One frame of an autopush client: an ack of a thousand messages, or a hello that lists a thousand channels. */
  autopushFrameBytes: 128 * 1024,
  /** A silent autopush client is sent a protocol ping after this; Firefox itself speaks every half hour only. */
  autopushPingMs: 300_000,
  /** How long it then has to answer. */
  autopushPongMs: 30_000,
  /** Frames that ask for nothing or too often are counted within this. */
  autopushIdleMs: 45_000,
  /** Pings of a client within autopushIdleMs; Firefox needs one in half an hour. */
  autopushPings: 4,
  /** Other frames that ask for nothing within autopushIdleMs; a burst of messages whose handlers all fail must fit. */
  autopushIdleFrames: 5_000,

  /** HA1: wait before the first re-offer; doubles with each further one. */
  reofferMs: 30_000,
  reofferMsMax: 3_600_000,
  /** HA2: runs of a version that may fail before it is given up. */
  failedRuns: 8,

  /** WK2: a running worker says "taken" within milliseconds; after this the connection counts as one that nobody reads. */
  takenMs: 2_000,
  /** Messages that are watched for it at a time; further ones are offered again all the same. */
  takenWatched: 100_000,
  /** WK5: wake-ups of a device an hour, and the gap between further ones; each costs its user battery. */
  wakesPerHour: 60,
  wakeGapMs: 60_000,
  wakeGapMsMax: 900_000,
  /** Devices that are being woken again and again, or whose budget is counted. */
  wakesRemembered: 100_000,
  /** Wake-ups under way at a time: calls to push services, each with a socket. */
  wakesUnderWay: 64,
  /** After a start: devices that come back by themselves need no waking. */
  wakeSettleMs: 5_000,
  /** All devices with a transport are looked at this often, a page at a time: what memory did not hold is found again. */
  wakeLookMs: 3_600_000,
  wakeLookPage: 100,
  wakeLookPauseMs: 100,
  /** A device whose transport is gone and that was not heard of for so long leaves: the app or the profile was deleted. */
  silentDeviceDays: 60,

  /** Pushes under way to one push service: it must not take the places of all the others when it is slow. */
  pushesPerHost: 16,
  /** Until a place may be free again at a push service that has all of them taken. */
  pushCrowdedMs: 1_000,
  /** Until a push service has answered. */
  pushAnswerMs: 10_000,
  /** How long a connection to a push service stays open without a push. */
  pushIdleMs: 60_000,
  /** The rest of a push service that failed without saying for how long, doubling; and the longest that it may ask for. */
  pushRestMs: 30_000,
  pushRestMsMax: 3_600_000,

  /** The JSON ping of our WebSocket: a Chromium extension worker stops after 30 s without a frame of its own. */
  pingMs: 20_000,
  /** A connection from which nothing was heard for this long is dead: three pings were missed. */
  silenceMs: 65_000,
  /** From the opening of the socket to a valid hello. */
  helloMs: 10_000,
  /**
   * OL3: frames of a client within five seconds, protocol pings included, and for each message that is written to it so many
   * more: "taken", an outcome, and both once again. A client at rest needs one in twenty seconds.
   */
  clientFrames: 1_000,
  clientFramesPerMessage: 4,
  /** One text frame of our WebSocket protocol, from a client. */
  frameBytes: 8 * 1024,
  /** One text frame from the server: a payload raised to what a JSON body holds, each character of it escaped. */
  messageFrameBytes: 64 * 1024,
  /** Characters of a client's reason for a failed run that are kept. */
  reasonCharacters: 200,
  /** Outcomes in one confirm over HTTP: more than one device can have waiting. */
  outcomesPerConfirm: 100,
  /** A push endpoint of a device; those of the vendors have up to 500. */
  pushEndpointCharacters: 2_048,
  /** LM1: connections that came or went after which their garbage is collected, and how long nothing must happen before. */
  stormConnections: 5_000,
  stormQuietMs: 2_000,
  /** Sockets of one address from which no hello has come yet. */
  halfOpenPerAddress: 256,
  /** Bytes a socket may have buffered before a session answers 'full'. */
  socketBufferBytes: 64 * 1024,
  /** OL3: bytes of answers to a client that asks and does not read, after which it is cut. */
  unreadBytes: 256 * 1024,

  /** One frame of MCS from a client; a login that lists a full window of received ids needs a tenth. */
  mcsFrameBytes: 64 * 1024,
  /** Messages on their way to one MCS client that it has not acknowledged; below queuePage, so that a page can fill it. */
  mcsInFlight: 50,
  /** An MCS client acknowledges at once what it is asked to; one that has not for so long does not read any more. */
  mcsUnacknowledgedMs: 60_000,
  /** On top of the heartbeat's interval, until an MCS connection without a sign of life is dead. */
  mcsSpareMs: 60_000,
  /** Check-ins of one address within refusedMs: a browser needs one in two days, an office may share an address. */
  checkInsPerAddress: 3_000,
  /** Registrations of one MCS device within refusedMs; each is kept. */
  registrationsPerDevice: 300,

  /** IN10: refused requests within refusedMs, of one client and of one address (many clients may share one). */
  refusedPerClient: 600,
  refusedPerAddress: 3_000,
  refusedMs: 600_000,
  /** DV10: registrations of one account with one app within refusedMs; a profile registers once per browser start. */
  registrationsPerApp: 120,

  /** Browsers whose playground is held in memory, about 200 KiB each at most, and for how long after its last page. */
  playgrounds: 200,
  playgroundIdleMs: 3_600_000,
  /** Forms of one address in the playground within a minute; people click slower. */
  playgroundForms: 120,
  /** A form of the playground, and with it the request that is built there. */
  playgroundFormBytes: 64 * 1024,
  /** What is shown of an answer. */
  playgroundAnswerBytes: 32 * 1024,
  /** Until the playground stops to read an answer: a stream of events never ends. */
  playgroundAnswerMs: 10_000,
  /** Requests with their answers that the page shows. */
  playgroundExchanges: 3,
  /** Entries of the audit log: how long they are kept, and of one project, app or account at most how many. */
  auditDays: 400,
  auditEntriesPerSubject: 10_000,
  /** Between two rounds in which old entries leave the audit log and the traffic. */
  recordPruneMs: 3_600_000,

  /** Traffic of projects: how often what was counted in memory is written, and how long minutes and hours stay. */
  trafficFlushMs: 10_000,
  trafficMinuteHours: 26,
  trafficHourDays: 90,
  /** Pairs of project and app that are counted apart within a minute; further apps of a project are counted together. */
  trafficSeries: 1_000,
  /** Minutes that wait in memory while they cannot be written; the oldest goes. */
  trafficMinutesWaiting: 30,
  /** Messages of which is remembered whose they are, so that their deliveries are counted without a look into the store. */
  trafficMessages: 20_000,
  /** Apps that the traffic of a project lists. */
  trafficApps: 50,
  /** Deliveries of messages that are not remembered, and wait for that look. */
  trafficLookUps: 1_000,

  /** How long after a message it is looked at how much of its project's day is used up. */
  quotaLookMs: 5_000,
  /** Owners of a project who get a mail about it. */
  ownersWarned: 20,

  /** Mails that wait for the SMTP server, further ones are let go; and how long it may take at each step. */
  mailsWaiting: 1_000,
  mailMs: 30_000,
  /** Links for a forgotten password: how long one is good, and how many are sent to an address or asked for from one, an hour. */
  resetLinkMs: 3_600_000,
  resetsPerMailbox: 3,
  resetsPerAddress: 10,

  /** A package of the store as it is uploaded: an extension with its pictures. */
  packageBytes: 16 * 1024 * 1024,
  /** Unpacked, all files together, and how many there may be: what is beyond was made to hurt. */
  packageUnpackedBytes: 64 * 1024 * 1024,
  packageFiles: 5_000,
  /** A file above packageSmallBytes may unpack to so many times its size: text comes to 20, a zip bomb to 1,000. */
  packageRatio: 200,
  packageSmallBytes: 1024 * 1024,
  /** How long an uploaded package may take to arrive: 16 MiB at half a megabit a second. */
  packageMs: 300_000,
  /** Uploads of one account within an hour: each is unpacked, packed and signed. */
  uploadsPerHour: 60,
  /** Packages of an item that are kept, the newest; older ones were replaced long ago. */
  packagesPerItem: 20,
  /** A picture as it is uploaded, and what it may unfold to: a screen of today has eight million pixels. */
  pictureBytes: 5 * 1024 * 1024,
  picturePixels: 16_000_000,
  /** What publishers say about an item. */
  screenshotsPerItem: 5,
  detailsCharacters: 16_000,
  testersPerItem: 100,
  /** Pages and pictures of items that one address gets within refusedMs; a page has six pictures at most. */
  listingsPerAddress: 1_200,
  /** Update checks of one address within refusedMs; a browser asks every few hours, an office may share an address. */
  updateChecksPerAddress: 6_000,
  /** Apps in one update check: a URL has about 2,000 characters. */
  appsPerUpdateCheck: 100,

  /** Finished messages kept for the trace, newest first, and for how long. */
  traceMessages: 10_000,
  traceHours: 24,
} as const;

const DAY_MS = 86_400_000;

/** How long the state of a message is kept for its sender, in milliseconds. */
export const stateMs: number = limits.stateDays * DAY_MS;
/** Retention in milliseconds: the TTL of a message that names none. */
export const retentionMs: number = limits.retentionDays * DAY_MS;

// Relations between the bounds: a change that breaks one fails at start, not in the field.
if (limits.silenceMs < 3 * limits.pingMs)
  throw new Error('limits: silenceMs must allow for three missed pings');
if (limits.pingMs >= 30_000) throw new Error('limits: a Chromium worker stops after 30 s of silence');
if (limits.frameBytes < 6 * limits.payloadBytes + 512)
  throw new Error('limits: a frame must hold an escaped payload');
if (limits.unreadBytes < 2 * (limits.socketBufferBytes + limits.messageFrameBytes))
  throw new Error('limits: a slow client has a message and its answers unread before it is cut');
if (limits.messageFrameBytes < 2 * limits.jsonBodyBytes + 512)
  throw new Error('limits: a frame must hold any body');
if (limits.removedSubscriptionDays <= limits.retentionDays + limits.traceHours / 24)
  throw new Error('limits: a removed subscription outlives the last message that names it');
if (limits.pushesPerHost * 2 > limits.wakesUnderWay)
  throw new Error('limits: one push service must leave half of the wake-ups to others');
if (limits.multicastBodyBytes < limits.multicastChannels * 64 + 6 * limits.jsonBodyBytes)
  throw new Error('limits: a multicast must hold its channels and a payload');
if (limits.webhookDeliveryDays <= limits.stateDays)
  throw new Error('limits: an event is remembered while its message is followed, so that it is kept once');
if (limits.queuePage > limits.queuedPerChannel) throw new Error('limits: a page is a part of the queue');
