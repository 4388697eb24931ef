// Package ledger keeps the books of every job in Redis; it is the only owner of their keys.
//
// A job is columnar. Its devices stand in chunks of at most [jobs.MaxChunk], and each chunk is two plain strings: the
// roster, packed and never changed after the import, and the state, one record of 16 bytes a device. Counting, listing
// and exporting ten million devices is reading a thousand strings. The keys of job J, all in one cluster slot:
//
//	simshift:{J}:spec       what the import fixed: name, target, policy, groups (JSON)
//	simshift:{J}:job        what changes: phase, counters by state (n:CODE), attempts, requests, times (hash)
//	simshift:{J}:chunks     chunk -> group:size (hash)
//	simshift:{J}:roster:C   devices of chunk C, 38 bytes each
//	simshift:{J}:sieve:C    Bloom filter of the identities in chunk C
//	simshift:{J}:previous:C their previous ICCIDs, 10 bytes each; only where one is known
//	simshift:{J}:state:C    records of chunk C, 16 bytes each
//	simshift:{J}:story:C    what happened in chunk C beyond plain first successes, 16 bytes each time
//	simshift:{J}:formed     chunk -> how much of it is in batches of first attempts (hash)
//	simshift:{J}:batch:N    a batch: state, members, request id, deadline (hash)
//	simshift:{J}:list:N     its places, where they are not a stretch of one chunk
//	simshift:{J}:due        open batches by the time somebody must look at them (sorted set)
//	simshift:{J}:sent       batches that wait for callbacks, by when they were sent (sorted set)
//	simshift:{J}:wait:B     places of a retry wave; simshift:{J}:waits has the waves by time
//	simshift:{J}:gathered   wave -> how much of it is in batches already (hash)
//	simshift:{J}:faults     code and words -> number used in records (hash)
//	simshift:{J}:timeline   minute:state -> how many devices entered the state then (hash)
//	simshift:{J}:settled    minute:length:band -> how many devices settled then, by how long they took (hash)
//	simshift:{J}:reasons    state:reason:fault -> how many devices stand there, but for pending, in batches and succeeded (hash)
//	simshift:{J}:log        acts of people and decisions (list of JSON); simshift:{J}:told up to where heralds know it
//	simshift:{J}:recent     the latest answers, counted, for the brake (list)
//	simshift:{J}:before     how far the waves before the present one went (hash); simshift:{J}:bounds each of them
//	simshift:{J}:waves      wave:what -> how many positions were formed in it, devices moved or missed (hash)
//
// A device in a batch carries a mark and the batch's number, and the batch alone knows whether it is queued, submitting
// or submitted: moving 10,000 devices on is one small write, and only a callback touches a single device.
//
// Every transition is one Lua script (lua/*.lua) that is given the domain's transition table, refuses what it does not
// allow, moves the counters in the same step, and is safe to run twice.
package ledger
