// Package jobs is the domain: migrations, their devices, batches and policies, and the rules by which a device moves
// from one state to the next. It knows neither Redis nor queues nor HTTP; everything here is pure, and time and
// randomness come in as arguments.
//
// A [Job] is one migration: a roster of devices, a target network, a policy. Its devices are grouped by account and
// service plan (a [Group]) and stored in chunks of at most [MaxChunk]; they travel to the carrier in batches
// (a [Batch]), and the carrier answers with one callback for each device, which becomes an [Event].
package jobs
