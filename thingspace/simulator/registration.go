package simulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
)

// registered is the answer to register and remove.
type registered struct {
	Account string `json:"accountName"`
	Service string `json:"serviceName"`
}

// register is POST m2m/v1/callbacks/{account}. One URL per service and account: another takes its place.
func (s *Simulator) register(r *http.Request) (any, *refusal) {
	account := r.PathValue("account")
	if no := s.checkAccount(account); no != nil {
		return nil, no
	}
	var wish struct{ Name, URL, Username, Password string }
	if err := json.NewDecoder(r.Body).Decode(&wish); err != nil {
		return nil, refuseInput("RequestUndefined", "The request body is not valid JSON.")
	}
	l, err := newListener(account, wish.Name, wish.URL, wish.Username, wish.Password, s.cfg.EnforcePorts)
	if err != nil {
		return nil, refuseInput("RequestUndefined", "The callback can not be registered: %v.", err)
	}
	s.mu.Lock()
	s.listeners.put(l)
	s.mu.Unlock()
	s.journal.line(s.cfg.Now().UnixNano(), "listener_registered",
		field{"account", account}, field{"service", wish.Name}, field{"url", wish.URL})
	return registered{account, wish.Name}, nil
}

// list is GET m2m/v1/callbacks/{account}. Like the carrier, it gives passwords in clear.
func (s *Simulator) list(r *http.Request) (any, *refusal) {
	account := r.PathValue("account")
	if no := s.checkAccount(account); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*listener, 0, len(s.listeners[account]))
	for _, l := range s.listeners[account] {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *listener) int { return cmp.Compare(a.Service, b.Service) })
	return all, nil
}

// remove is DELETE m2m/v1/callbacks/{account}/name/{service}.
func (s *Simulator) remove(r *http.Request) (any, *refusal) {
	account, service := r.PathValue("account"), r.PathValue("service")
	if no := s.checkAccount(account); no != nil {
		return nil, no
	}
	s.mu.Lock()
	_, found := s.listeners[account][service]
	delete(s.listeners[account], service)
	s.mu.Unlock()
	if !found {
		return nil, refuseInput("RequestUndefined", "No callback of this service is registered for the account.")
	}
	s.journal.line(s.cfg.Now().UnixNano(), "listener_removed", field{"account", account}, field{"service", service})
	return registered{account, service}, nil
}

// checkAccount tells whether the carrier has the account.
func (s *Simulator) checkAccount(name string) *refusal {
	if name == "" {
		return refuseInput("Account.NotDefined", "The accountName is missing.")
	}
	if len(s.cfg.Accounts) > 0 && !slices.Contains(s.cfg.Accounts, name) {
		return refuse(http.StatusBadRequest, "REQUEST_FAILED.AccountNotFound", "The account was not found.")
	}
	return nil
}
