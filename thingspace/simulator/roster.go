package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// enableBody is the body of an enable request.
type enableBody struct {
	Devices []struct {
		IDs []struct {
			Kind string `json:"kind"`
			ID   string `json:"id"`
		} `json:"deviceIds"`
	} `json:"devices"`
	Account string `json:"accountName"`
	Plan    string `json:"servicePlan"`
}

// wantedDevice is one device of an enable request.
type wantedDevice struct {
	id     eid
	target iccid
	modem  imei
}

// wanted is an enable request that was found to be sound.
type wanted struct {
	account, plan string
	devices       []wantedDevice
}

// readEnable judges the body of an enable request. size is the number of devices in it, also where it is refused.
func (s *Simulator) readEnable(body []byte, m *mind) (w wanted, size int, no *refusal) {
	var b enableBody
	if err := json.Unmarshal(body, &b); err != nil {
		return w, 0, refuseInput("RequestUndefined", "The request body is not valid JSON.")
	}
	size = len(b.Devices)
	if no := s.checkRequest(&b); no != nil {
		return w, size, no
	}
	w = wanted{b.Account, b.Plan, make([]wantedDevice, size)}
	for i := range b.Devices {
		d := &w.devices[i]
		for _, given := range b.Devices[i].IDs {
			if no := d.take(given.Kind, given.ID); no != nil {
				return w, size, no
			}
		}
		if no := d.check(m); no != nil {
			return w, size, no
		}
	}
	return w, size, nil
}

// checkRequest judges what the devices have in common.
func (s *Simulator) checkRequest(b *enableBody) *refusal {
	if no := s.checkAccount(b.Account); no != nil {
		return no
	}
	switch {
	case len(b.Devices) == 0:
		return refuseInput("NumberofDevices", "The request holds no device.")
	case len(b.Devices) > MaxDevices:
		return refuseInput("MaxRequestsExceeded", "The request holds more than %d devices.", MaxDevices)
	case len(s.cfg.Plans) > 0 && !slices.Contains(s.cfg.Plans, b.Plan):
		return refuse(http.StatusBadRequest, "REQUEST_FAILED."+b.Plan+".NotFound",
			fmt.Sprintf("The service plan %q was not found.", b.Plan))
	}
	return nil
}

// take reads one of the device's identifiers. Each kind may come once.
func (d *wantedDevice) take(kind, id string) *refusal {
	var given, sound bool
	switch kind {
	case "eid":
		given = d.id != eid{}
		sound = pack(d.id[:], id, 32, 32)
	case "iccid":
		given = d.target != iccid{}
		sound = pack(d.target[:], id, 19, 20)
	case "imei":
		given = d.modem != imei{}
		sound = pack(d.modem[:], id, 15, 15)
	default:
		return refuseInput("Device.Kind.Invalid", "The device kind %.40q is not one of eid, iccid, imei.", kind)
	}
	if given || !sound {
		return refuseInput("Device.Identifier.Invalid", "The %s %.40q is not valid.", kind, id)
	}
	return nil
}

// check judges a device whose identifiers were all read.
func (d *wantedDevice) check(m *mind) *refusal {
	switch {
	case d.id == eid{} || d.target == iccid{}:
		return refuseInput("Device.Identifier.Invalid", "A device needs both an eid and an iccid.")
	case m.poison[d.id]:
		return refuseInput("Device.Identifier.Invalid", "The eid %q is not valid.", d.id.String())
	case m.AbsentRefused && m.absent[d.id]:
		return refuse(http.StatusBadRequest, "REQUEST_FAILED.DeviceNotFound", "A device was not found.")
	}
	return nil
}
