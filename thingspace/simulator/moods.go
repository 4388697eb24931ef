package simulator

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Span is a range of durations; each is drawn evenly from it.
type Span struct{ Min, Max time.Duration }

// ParseSpan reads "250ms" or "1s-5s".
func ParseSpan(s string) (Span, error) {
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	least, err := time.ParseDuration(low)
	if err != nil {
		return Span{}, fmt.Errorf("%q is no duration or range; write it like 250ms or 1s-5s", s)
	}
	most, err := time.ParseDuration(high)
	if err != nil || most < least {
		return Span{}, fmt.Errorf("%q is no range; write it like 1s-5s", s)
	}
	return Span{least, most}, nil
}

// Fault is a failure as callbacks and refusals word it.
type Fault struct{ Code, Text string }

// Moods is how the carrier behaves. The zero value is a carrier on its best day, with callbacks at once. Shares are
// fractions from 0 to 1.
type Moods struct {
	Latency Span // from the accept to the device's final state, and so to its callback
	Answer  Span // from the accept to the synchronous answer

	// What becomes of a device. The four shares are of all devices and do not overlap: their sum is at most 1.
	Faulty          float64 // fails every attempt with one of Faults
	Offline         float64 // fails as offline the first 1 to OfflineAttempts attempts, then succeeds
	OfflineForever  float64 // fails every attempt as offline
	Silent          float64 // never calls back
	OfflineAttempts int     // default 1
	SilentUnreached float64 // of the silent: share whose profile never gets enabled; the others are enabled in silence
	Faults          []Fault // of faulty devices; default DeviceNotFound and ServicePlan.NotFound

	FailAccounts  map[string]float64 // account: share of its devices that fail like faulty ones, whatever they are besides
	Absent        []string           // EIDs that the carrier does not know: their callbacks fail with DeviceNotFound
	AbsentRefused bool               // a request that holds an absent EID is instead refused whole with DeviceNotFound
	Poison        []string           // EIDs: a request that holds one is refused whole with Device.Identifier.Invalid
	AlreadyActive bool               // enabling an enabled profile fails with DeviceAlreadyActive; else it succeeds
	FaultDoubles  bool               // an accept of an EID that has another one in flight fails

	// What becomes of callbacks: shares of attempts.
	Lost           float64 // of devices: the final callback of the first attempt is lost, later ones arrive
	Warning        float64 // a warning goes out first; the final state waits until it was delivered or failed to be
	Duplicates     float64 // the final callback comes 2 to 5 times
	DuplicateDelay Span    // how long after the original each duplicate comes
	OtherProfile   float64 // the profile that is switched off calls back too
	Stray          float64 // the final callback comes once more under a request id that nobody knows
	Contradict     float64 // success, in the other role than the plan's
	Tabular        float64 // shaped as the document's table says, not as its example: numbers as strings, an array

	// What becomes of requests: shares of all enable requests received. The middle four do not overlap.
	Early       float64 // callbacks go out before the answer
	DropAnswers float64 // carried out, then the connection is closed without an answer
	ResetBefore float64 // not carried out; the connection is reset when the whole body has come
	Throttle    float64 // 429 with Retry-After
	Unavailable float64 // 503 with Retry-After
	RetryAfter  string  // of Throttle and Unavailable, as in Act; default "1"

	At map[int]Act // what happens to the n-th enable request received, from 1; goes before the shares

	TokenLife       time.Duration // of the bearer; default 1 hour
	TokenOverstated bool          // expires_in always tells the whole life, also when the same token is told again
	SessionLife     time.Duration // how long a session may idle; default 20 minutes
	SessionStatus   int           // status of session errors, 400 or 401; 0: in turn
	OneSession      bool          // a login ends the sessions before it
	RefuseLogins    bool          // every login fails

	Resends         []time.Duration // delays before a callback not answered 2xx is sent again; nil: three of 5 minutes
	DeliveryTimeout time.Duration   // how long a listener may take to answer before its callback is sent again; default 4s
}

// Default faults of the carrier. The code of an offline device is not published; clients must bear an unknown one.
var (
	faultOffline  = failure("DeviceOffline", "The device is not connected to the network.")
	faultActive   = failure("DeviceAlreadyActive", "The profile is already enabled on the device.")
	faultDouble   = failure("UnexpectedError", "Another profile action is in progress on the device.")
	faultNotFound = failure("DeviceNotFound", "The device was not found.")
	faultPlan     = failure("ServicePlan.NotFound", "The service plan was not found for the device.")
)

func failure(name, text string) Fault { return Fault{"UnifiedWebService.REQUEST_FAILED." + name, text} }

const maxFaults = 200 // a device record keeps the number of its fault in a byte

// withDefaults gives a copy that shares nothing with m.
func (m Moods) withDefaults() Moods {
	m.At, m.FailAccounts = maps.Clone(m.At), maps.Clone(m.FailAccounts)
	m.Faults, m.Resends = slices.Clone(m.Faults), slices.Clone(m.Resends)
	if m.OfflineAttempts == 0 {
		m.OfflineAttempts = 1
	}
	if len(m.Faults) == 0 {
		m.Faults = []Fault{faultNotFound, faultPlan}
	}
	if m.RetryAfter == "" {
		m.RetryAfter = "1"
	}
	if m.TokenLife == 0 {
		m.TokenLife = time.Hour
	}
	if m.SessionLife == 0 {
		m.SessionLife = 20 * time.Minute
	}
	if m.Resends == nil {
		m.Resends = []time.Duration{5 * time.Minute, 5 * time.Minute, 5 * time.Minute}
	}
	if m.DeliveryTimeout == 0 {
		m.DeliveryTimeout = 4 * time.Second
	}
	return m
}

// Validate tells what is wrong with the moods, naming the setting.
func (m Moods) Validate() error {
	return errors.Join(m.validateShares(), m.validateTimes(), m.validateRest())
}

func (m Moods) validateShares() error {
	shares := map[string]float64{
		"SilentUnreached": m.SilentUnreached, "Lost": m.Lost, "Warning": m.Warning, "Duplicates": m.Duplicates,
		"OtherProfile": m.OtherProfile, "Stray": m.Stray, "Contradict": m.Contradict, "Tabular": m.Tabular, "Early": m.Early,
		"Faulty": m.Faulty, "Offline": m.Offline, "OfflineForever": m.OfflineForever, "Silent": m.Silent,
		"DropAnswers": m.DropAnswers, "ResetBefore": m.ResetBefore, "Throttle": m.Throttle, "Unavailable": m.Unavailable,
		"Faulty, Offline, OfflineForever and Silent together": m.Faulty + m.Offline + m.OfflineForever + m.Silent,
		"DropAnswers, ResetBefore, Throttle and Unavailable together": m.DropAnswers + m.ResetBefore +
			m.Throttle + m.Unavailable,
	}
	for account, share := range m.FailAccounts {
		shares["FailAccounts of "+account] = share
	}
	var errs []error
	for name, share := range shares {
		if math.IsNaN(share) || share < 0 || share > 1+1e-9 {
			errs = append(errs, fmt.Errorf("%s must be a share from 0 to 1, not %v", name, share))
		}
	}
	return errors.Join(errs...)
}

func (m Moods) validateTimes() error {
	for name, span := range map[string]Span{"Latency": m.Latency, "Answer": m.Answer, "DuplicateDelay": m.DuplicateDelay} {
		if span.Min < 0 || span.Max < span.Min {
			return fmt.Errorf("%s must be a range of durations that are not negative, not %v-%v", name, span.Min, span.Max)
		}
	}
	if m.TokenLife < 0 || m.SessionLife < 0 || m.DeliveryTimeout < 0 {
		return errors.New("TokenLife, SessionLife and DeliveryTimeout must not be negative")
	}
	for _, delay := range m.Resends {
		if delay < 0 {
			return errors.New("delays of Resends must not be negative")
		}
	}
	return nil
}

func (m Moods) validateRest() error {
	switch {
	case m.OfflineAttempts < 0 || m.OfflineAttempts > 1000:
		return fmt.Errorf("OfflineAttempts must be 1 to 1000, not %d", m.OfflineAttempts)
	case len(m.Faults) > maxFaults:
		return fmt.Errorf("there can be at most %d Faults", maxFaults)
	case len(m.Resends) > 100:
		return errors.New("there can be at most 100 Resends")
	case m.SessionStatus != 0 && m.SessionStatus != http.StatusBadRequest && m.SessionStatus != http.StatusUnauthorized:
		return fmt.Errorf("SessionStatus must be 400 or 401, not %d", m.SessionStatus)
	}
	for _, id := range slices.Concat(m.Absent, m.Poison) {
		if !pack(make([]byte, 16), id, 32, 32) {
			return fmt.Errorf("%q in Absent or Poison is no EID: an EID has 32 digits", id)
		}
	}
	for n, act := range m.At {
		if n < 1 {
			return fmt.Errorf("the requests of At are counted from 1, not %d", n)
		}
		if act.Delay < 0 || (act.Deed == Reply && (act.Status < 400 || act.Status > 599)) {
			return fmt.Errorf("the act of request %d needs a status from 400 to 599 and a delay that is not negative", n)
		}
	}
	return nil
}
