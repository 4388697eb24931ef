// Package worker does the work: it forms batches, sends them within the limits, weighs the carrier's callbacks, and ends
// what is overdue. The ledger decides, the queue only wakes: a task carries ids, every handler may run twice or not at
// all, and the sweeper makes again whatever task is missing.
//
//	planner    forms batches from pending devices and due retry waves, and ends jobs         planner.go
//	submitter  sends one batch: listener, limits, intent, request, answer                    submitter.go, answer.go
//	turns      a batch's leave to be sent: its job's own limits, and the deployment's        turns.go
//	listeners  makes sure that an account's callbacks come to us before anything is sent    listeners.go
//	reaper     ends batches whose deadline or grace is over                                  reaper.go
//	sweeper    finds, from the ledger alone, what nobody was woken for                       sweeper.go
//	recounter  holds the counters of jobs that stand still against their records             recounter.go
//	news       has heralds tell somebody outside what happened to jobs                      news.go
//	Witness    notices what Redis has lost, and has it written again                         witness.go, sent.go
//	Settler    turns callbacks into events of devices, and writes them                       settler.go, match.go
//	Intake     the callback endpoint: decodes, joins the group being written, answers        intake.go, endpoint.go
//	Gate       the public side of it: allowed sources, bounded connections, time-outs, TLS   gate.go, doorman.go, bounded.go
//	Worker     asynq's server with the first five                                            worker.go
package worker
