package simulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Services whose listener gets the callbacks of profile actions: the first that is registered.
var profileServices = []string{"DeviceProfileService", "CarrierService"}

// services are all that a listener can be registered for.
var services = []string{
	"AlertsService", "CarrierService", "DevicePRLInformation", "DeviceProfileService", "DeviceService",
	"DeviceSuspensionStatus", "DeviceUsage", "EnhancedConnectivityService", "ExternalProvisioningChanges", "NiddService",
	"PromoChanges", "ResumeTrackingNotification", "SMSDeliveryConfirmation", "StateService",
}

// listener is where an account wants its callbacks.
type listener struct {
	Account  string `json:"accountName"`
	Service  string `json:"serviceName"`
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`

	template    *http.Request
	credentials []byte // as members of a callback, ready to copy
}

func newListener(account, service, address, username, password string, enforcePorts bool) (*listener, error) {
	if !slices.Contains(services, service) {
		return nil, fmt.Errorf("%q is no callback service", service)
	}
	target, err := url.Parse(address)
	if err != nil || target.Hostname() == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, errors.New("the url must be a whole http or https address")
	}
	if enforcePorts && !allowedPort(target) {
		return nil, errors.New("the url's port must be 80, 443, 9001-9006, 28200-28220 or 50551-50559")
	}
	request, err := template(address)
	if err != nil {
		return nil, errors.New("the url must be a whole http or https address")
	}
	name, err := json.Marshal(username)
	if err != nil {
		return nil, err
	}
	secret, err := json.Marshal(password)
	if err != nil {
		return nil, err
	}
	credentials := slices.Concat([]byte(`"username":`), name, []byte(`,"password":`), secret, []byte(`,`))
	return &listener{account, service, address, username, password, request, credentials}, nil
}

// allowedPort tells whether ThingSpace would call the address.
func allowedPort(target *url.URL) bool {
	text := cmp.Or(target.Port(), map[string]string{"http": "80", "https": "443"}[target.Scheme])
	port, err := strconv.Atoi(text)
	within := func(low, high int) bool { return low <= port && port <= high }
	return err == nil && (port == 80 || port == 443 || within(9001, 9006) || within(28200, 28220) || within(50551, 50559))
}

// directory is the listeners by account and service.
type directory map[string]map[string]*listener

// of gives the listener of an account's profile actions.
func (d directory) of(account string) (*listener, bool) {
	registered := d[account]
	for _, service := range profileServices {
		if to, found := registered[service]; found {
			return to, true
		}
	}
	return nil, false
}

func (d directory) put(l *listener) {
	if d[l.Account] == nil {
		d[l.Account] = make(map[string]*listener)
	}
	d[l.Account][l.Service] = l
}
