//! The sections of a scenario, key for key. `scenario.toml` explains the keys.

use crate::sim::event::Fault;
use serde::{Deserialize, Serialize};

/// The lower and the upper bound of an even draw.
pub type Bounds = [f64; 2];

/// The fewest and the most days of an even draw.
pub type Days = [u32; 2];

macro_rules! section {
    ($name:ident { $($key:ident: $kind:ty,)* }) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(pub $key: $kind,)*
        }
    };
}

section!(Lines {
    gotone_share: f64,
    mzone_share: f64,
    student_share: f64,
    vip_share: f64,
    group_gotone_share: f64,
    group_other_share: f64,
    grouped_share: f64,
    second_sim_share: f64,
    poor_coverage_share: f64,
    no_data_share: f64,
    machine_share: f64,
    robot_share: f64,
    sim_bank_share: f64,
    robot_calls_median: f64,
    joining_share: f64,
    joining_after_days: f64,
    visitor_share: f64,
    visitor_days: Days,
    ported_in_share: f64,
    imei_share: f64,
    opted_out_share: f64,
    not_pursued_share: f64,
    over_planned_share: f64,
    under_planned_share: f64,
});

section!(Usage {
    rate_median: f64,
    rate_sigma: f64,
    data_rate_median: f64,
    data_rate_sigma: f64,
    shape_median: f64,
    shape_sigma: f64,
    data_shape_median: f64,
    data_shape_sigma: f64,
    quiet_share: Bounds,
    quiet_persistence: Bounds,
    quiet_level: Bounds,
    quiet_data_level: f64,
    drift_sigma: Bounds,
    drift_persistence: f64,
    off_start_median: f64,
    off_start_sigma: f64,
    off_stay: Bounds,
    call_share: Bounds,
    outgoing_share: Bounds,
    written_share: Bounds,
    talk_seconds_median: f64,
    talk_seconds_sigma: f64,
    session_megabytes_median: f64,
    session_megabytes_sigma: f64,
    dropped_share: Bounds,
    poor_dropped_share: Bounds,
    burst_calls: f64,
    burst_sessions: f64,
    burst_gap_seconds_median: f64,
    burst_gap_shape: f64,
});

section!(Week {
    office: [f64; 7],
    shop: [f64; 7],
    even: [f64; 7],
    office_share: f64,
    shop_share: f64,
});

section!(Holiday {
    from_days: Vec<u32>,
    days: u32,
    voice_level: f64,
    data_level: f64,
    away_share: f64,
});

section!(Outage {
    on_days: Vec<u32>,
    loss_share: f64,
});

section!(Churn {
    scale: f64,
    stop: Stop,
    drop: Drop,
    decay: Decay,
    port_out: PortOut,
    complaint: Complaint,
    arrears: Arrears,
});

section!(Stop {
    rate: f64,
    decided_days: Days,
    marketing_share: f64,
    hotline_share: f64,
    complaint_share: f64,
    cancel_enquiry_share: f64,
    forwarding_share: f64,
    cancellation_share: f64,
    cancellation_days: Days,
    contract_end_share: f64,
});

section!(Drop {
    rate: f64,
    to_level: Bounds,
    hotline_share: f64,
    leaving_share: f64,
    leaving_days: Days,
});

section!(Decay {
    rate: f64,
    days: u32,
    to_level: Bounds,
    leaving_share: f64,
    leaving_days: Days,
    hotline_share: f64,
});

section!(PortOut {
    rate: f64,
    decided_days: Days,
    enquiry_share: f64,
    application_days: Days,
    marketing_share: f64,
    hotline_share: f64,
});

section!(Complaint {
    rate: f64,
    leaving_days: Days,
    again_share: f64,
    cancel_enquiry_share: f64,
    hotline_share: f64,
    to_level: Bounds,
});

section!(Arrears {
    invoice_share: f64,
    suspended_days: Days,
    leaving_days: Days,
});

section!(Absence {
    travel_rate: f64,
    travel_days_mean: f64,
    travel_days_shape: f64,
    hospital_rate: f64,
    hospital_days: Days,
    lost_handset_rate: f64,
    lost_handset_days: Days,
    second_sim_rate: f64,
    second_sim_days: Days,
    student_away_share: f64,
    suspended_share: f64,
});

section!(Events {
    marketing_rate: f64,
    reported_share: f64,
    wrong_number_rate: f64,
    port_curiosity_rate: f64,
    cancel_curiosity_rate: f64,
    enquiry_rate: f64,
    complaint_rate: f64,
    poor_coverage_complaint_rate: f64,
    resolved_share: f64,
    rated_share: f64,
    charge_rate: f64,
    unasked_share: f64,
    unasked_complaint_share: f64,
    bill_shock_rate: f64,
    bill_shock_fees: Bounds,
    new_handset_rate: f64,
    new_plan_rate: f64,
    larger_plan_share: f64,
    forwarding_rate: f64,
    forwarding_days: Days,
    forwarding_ends_share: f64,
    forwarded_call_share: f64,
    substitution_rate: f64,
    substitution_days: u32,
    substitution_voice_level: Bounds,
    substitution_data_level: f64,
    data_growth_rate: f64,
    data_growth_days: u32,
    data_growth_level: Bounds,
});

section!(Orders {
    new_plan_share: f64,
    upgrade_rate: f64,
    downgrade_rate: f64,
    cancel_rate: f64,
    new_service_rate: f64,
    leaving_share: f64,
    leaving_days: Days,
});

section!(Billing {
    careless_share: f64,
    careless_factor: f64,
    tardy_share: f64,
    late_share: f64,
    late_days: Days,
    suspended_paid_share: f64,
    suspended_paid_days: Days,
    gone_unpaid_share: f64,
});

section!(Contracts {
    contract_share: f64,
    offer_share: f64,
    renewal_share: f64,
    renewal_lead_days: Days,
    offer_renewal_share: f64,
});

section!(Faults {
    late_share: f64,
    duplicate_share: f64,
    file_resent_share: f64,
    file_out_of_order_share: f64,
    second_gateway_share: f64,
    msisdn_prefixed_share: f64,
    msisdn_truncated_share: f64,
    other_prefixed_share: f64,
    other_truncated_share: f64,
    other_own_share: f64,
    duration_negative_share: f64,
    duration_overflowing_share: f64,
    seconds_share: f64,
    clock_zero_share: f64,
    clock_years_ahead_share: f64,
    clock_hours_ahead_share: f64,
    clock_minutes_ahead_share: f64,
    payload_empty_share: f64,
    payload_truncated_share: f64,
    payload_not_utf8_share: f64,
    payload_framed_share: f64,
    tombstone_share: f64,
    unknown_field_share: f64,
});

section!(Outcomes {
    contact_hours: Bounds,
    reached_share: f64,
    campaign_reached_share: f64,
    saved_share: f64,
    kept_share: f64,
    won_back_share: f64,
    unwilling_share: f64,
    refused_share: f64,
    lost_reported_share: f64,
    lost_reported_days: Bounds,
    content_saved_share: f64,
    annoyed_share: f64,
    do_not_contact_share: f64,
    reason_share: f64,
    confirmed_share: f64,
    mistake_share: f64,
    correction_hours: Bounds,
    contacts_max: u32,
});

impl Week {
    /// Scales every row to a mean of 1.
    pub fn normalise(&mut self) {
        for row in [&mut self.office, &mut self.shop, &mut self.even] {
            let mean = row.iter().sum::<f64>() / 7.0;
            for level in row {
                *level /= mean;
            }
        }
    }
}

impl Churn {
    /// Episodes that begin by themselves: all but arrears, which begin with an invoice.
    pub fn rate(&self) -> f64 {
        let rates = [
            self.stop.rate,
            self.drop.rate,
            self.decay.rate,
            self.port_out.rate,
            self.complaint.rate,
        ];
        self.scale * rates.iter().sum::<f64>()
    }
}

impl Absence {
    /// Absences of those without a second SIM.
    pub fn rate(&self) -> f64 {
        self.travel_rate + self.hospital_rate + self.lost_handset_rate
    }
}

impl Events {
    /// Everything that can happen on a day; one of it does.
    pub fn rate(&self) -> f64 {
        let rates = [
            self.marketing_rate,
            self.wrong_number_rate,
            self.port_curiosity_rate,
            self.cancel_curiosity_rate,
            self.enquiry_rate,
            self.complaint_rate,
            self.poor_coverage_complaint_rate,
            self.charge_rate,
            self.bill_shock_rate,
            self.new_handset_rate,
            self.new_plan_rate,
            self.forwarding_rate,
            self.substitution_rate,
            self.data_growth_rate,
        ];
        rates.iter().sum()
    }
}

impl Orders {
    /// Orders of those who stay, changes of tariff apart.
    pub fn rate(&self) -> f64 {
        self.upgrade_rate + self.downgrade_rate + self.cancel_rate + self.new_service_rate
    }
}

impl Faults {
    /// The faults of single records, with their shares of the records that can have them.
    pub const fn record_fault_shares(&self) -> [(f64, Fault); 19] {
        [
            (self.other_prefixed_share, Fault::OtherPrefixed),
            (self.unknown_field_share, Fault::UnknownField),
            (self.msisdn_prefixed_share, Fault::MsisdnPrefixed),
            (self.second_gateway_share, Fault::SecondGateway),
            (self.other_truncated_share, Fault::OtherTruncated),
            (self.clock_minutes_ahead_share, Fault::ClockMinutesAhead),
            (self.other_own_share, Fault::OtherIsOwn),
            (self.duration_negative_share, Fault::DurationNegative),
            (self.seconds_share, Fault::SecondsForMilliseconds),
            (self.msisdn_truncated_share, Fault::MsisdnTruncated),
            (self.duration_overflowing_share, Fault::DurationOverflowing),
            (self.clock_years_ahead_share, Fault::ClockYearsAhead),
            (self.clock_hours_ahead_share, Fault::ClockHoursAhead),
            (self.payload_truncated_share, Fault::PayloadTruncated),
            (self.tombstone_share, Fault::Tombstone),
            (self.clock_zero_share, Fault::ClockAtZero),
            (self.payload_empty_share, Fault::PayloadEmpty),
            (self.payload_not_utf8_share, Fault::PayloadNotUtf8),
            (self.payload_framed_share, Fault::PayloadFramed),
        ]
    }

    /// The largest share of records that can have a fault of their own.
    pub fn record_fault_share(&self) -> f64 {
        self.record_fault_shares()
            .iter()
            .map(|(share, _)| share)
            .sum()
    }
}
