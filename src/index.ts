export {type RunningClient, startClient} from './app/client.ts';
export type {LogFields} from './app/observe/log-fields.ts';
export {createLogger, type Logger, type LoggerInit} from './app/observe/logger.ts';
export type {PathPlace, StatusSnapshot} from './app/observe/status.ts';
export {formatStatus} from './app/observe/status-text.ts';
export {type RunningServer, startServer} from './app/server.ts';
export type {Surroundings} from './app/startup.ts';
export type {ClientOptions, PathOptions, RateOptions} from './config/client.ts';
export type {HostPort} from './config/host-port.ts';
export type {KeyOptions, UserKey} from './config/keys.ts';
export type {LogFormat, LogLevel} from './config/logging.ts';
export type {ServerOptions} from './config/server.ts';
export type {DirectionStatus, PathState, PathStatus, SessionStatus} from './core/events.ts';
export {
	type LinkProxy,
	type LinkProxyCounts,
	type LinkProxyOptions,
	startLinkProxy,
} from './net/link/proxy.ts';
export type {Policy} from './policy/policy.ts';
export {NO_RULES, type PolicyRule, PolicyRules} from './policy/rules.ts';
export type {LinkConfig} from './sim/link-config.ts';
