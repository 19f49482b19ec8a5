// Package otelobserve tells OpenTelemetry what an engine does with runs: a
// conversation.Observer that makes spans and metrics of them, by the semantic
// conventions for generative AI.
//
//	observer, err := otelobserve.New(nil) // the global providers
//	...
//	engine, err := conversation.New(store, responder, &conversation.Config{Observer: observer})
//
// # Spans
//
//	invoke_agent {agent}         an attempt at a run, below the span of the request that started it
//	└─ step                      an iteration of it (Turn.Step)
//	   └─ execute_tool {tool}    a call of an MCP server's tool, until its result
//
// The context that the Responder gets is that of the run's span. What it does
// within a step or a tool call has its place below that when it uses
// StepContext or ToolContext. A call of a client's tool, which nobody executes
// here, is an event of the step.
//
// The trace goes along with the run: a queued run, and one that another process
// takes over, still hangs below the request that started it. Each attempt has a
// span of its own.
//
// # Metrics
//
//	gen_ai.client.operation.duration   of attempts (invoke_agent) and of tool calls (execute_tool)
//	gen_ai.client.token.usage          by attempts, for input and output
//	parley.run.active                  attempts under way in this process
//	parley.run.count                   attempts that are over, by outcome and status
//	parley.run.claimed                 attempts taken over, from the queue or from another process
//	parley.run.queue.duration          how long runs waited before they began
//	parley.run.iterations              of attempts
//
// # Contents
//
// Nothing that people or models wrote gets into a span unless
// Options.RecordContent asks for it, and never into a metric. Ids of users,
// prompts, headers and the messages of errors get into neither.
//
// # Conventions
//
// Those for generative AI are in development. They are taken as OpenTelemetry's
// Go module last had them, in version 1.41 of its conventions; later ones have
// moved to a repository of their own, for which there is no package yet.
//
// It is a module of its own, so that hosts that do not use it have none of its
// dependencies.
package otelobserve
